;; Leaves through WASI's proc_exit(3).
;; Host: SBX_EXIT with exitCode 3; the next request is served and the process lives.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param $code i32)))
  (memory (export "memory") 2)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (call $proc_exit (i32.const 3))
    unreachable))
