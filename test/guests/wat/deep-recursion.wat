;; Calls itself without end.
;; Host: SBX_STACK_OVERFLOW; the next request is served.
(module
  (memory (export "memory") 2)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func $deeper (param $depth i32) (result i32)
    (i32.add (call $deeper (i32.add (local.get $depth) (i32.const 1))) (i32.const 1)))
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (i64.extend_i32_u (call $deeper (i32.const 0)))))
