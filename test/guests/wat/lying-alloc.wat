;; alloc returns the address of the last byte of the memory, so that any request of two bytes or more does not fit.
;; Host: SBX_REQUEST_WRITE_FAILED; execute is never called and nothing outside the memory is touched.
(module
  (memory (export "memory") 2)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)))
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    unreachable))
