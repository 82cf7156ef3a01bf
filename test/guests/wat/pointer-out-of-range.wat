;; Answers with a pointer just behind the memory.
;; Host: SBX_RESPONSE_READ_FAILED.
(module
  (memory (export "memory") 2)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (i64.or (i64.shl (i64.const 0x20000) (i64.const 32)) (i64.const 34))))
