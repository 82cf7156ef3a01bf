;; Never comes back from _initialize.
;; Host: SBX_DEADLINE or SBX_INITIALIZE_FAILED; loading the release ends, and other plugins are served meanwhile.
(module
  (memory (export "memory") 2)
  (func (export "_initialize")
    (loop $forever (br $forever)))
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    i64.const 0))
