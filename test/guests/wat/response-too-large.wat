;; Really owns and answers 32 MiB (33554432 bytes), one bytes field of zeros.
;; Host: SBX_RESPONSE_TOO_LARGE with the default limit of 16 MiB.
(module
  (memory (export "memory") 514)
  ;; 22 fb ff ff 0f = field 4, length 33554427
  (data (i32.const 65536) "\22\fb\ff\ff\0f")
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (i64.or (i64.shl (i64.const 65536) (i64.const 32)) (i64.const 0x2000000))))
