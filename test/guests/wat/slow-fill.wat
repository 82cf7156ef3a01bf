;; Fills its whole memory again and again: few loop headers, much time in each instruction.
;; Host: SBX_DEADLINE, even when the guest is stopped by counting loops.
(module
  (memory (export "memory") 2048)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (loop $forever
      (memory.fill (i32.const 0) (i32.const 7) (i32.const 0x8000000))
      (br $forever))
    unreachable))
