;; Answers the bytes deadbeef.
;; Host: SBX_RESPONSE_INVALID, `failed to decode bridge response tag`.
(module
  (memory (export "memory") 2)
  (data (i32.const 16) "\de\ad\be\ef")
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 4))))
