;; Claims a response of 1 GiB (1073741824 bytes) without owning the memory for it.
;; Host: SBX_RESPONSE_TOO_LARGE, or SBX_RESPONSE_READ_FAILED when the range is looked at first; nothing of that size is allocated.
(module
  (memory (export "memory") 2)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 0x40000000))))
