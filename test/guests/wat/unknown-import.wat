;; Imports a function that no host has.
;; Host: SBX_INSTANTIATE_FAILED, naming lina_env.delete_everything.
(module
  (import "lina_env" "delete_everything" (func))
  (memory (export "memory") 2)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    i64.const 0))
