;; Grows its memory page by page and touches every page, until the host refuses, then traps.
;; Host: SBX_MEMORY_LIMIT (or SBX_TRAP); the process never holds more than the limit.
(module
  (memory (export "memory") 2)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (local $page i32)
    (loop $more
      (local.set $page (memory.grow (i32.const 1)))
      (if (i32.ne (local.get $page) (i32.const -1))
        (then
          (i32.store (i32.shl (local.get $page) (i32.const 16)) (i32.const 1))
          (br $more))))
    unreachable))
