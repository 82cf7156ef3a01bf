;; Traps in _initialize.
;; Host: SBX_INITIALIZE_FAILED.
(module
  (memory (export "memory") 2)
  (func (export "_initialize")
    unreachable)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    i64.const 0))
