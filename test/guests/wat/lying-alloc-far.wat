;; alloc returns 0xfffffff0, which is −16 when it is read as signed.
;; Host: SBX_REQUEST_WRITE_FAILED; a host that reads the pointer as signed fails in another way or writes in front of the memory.
(module
  (memory (export "memory") 2)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 0xfffffff0)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    unreachable))
