;; alloc traps.
;; Host: SBX_ALLOC_FAILED.
(module
  (memory (export "memory") 2)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    unreachable)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    i64.const 0))
