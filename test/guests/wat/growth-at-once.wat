;; Asks for 4 GiB in one step and traps when it is refused.
;; Host: SBX_MEMORY_LIMIT (or SBX_TRAP); no such memory is ever reserved.
(module
  (memory (export "memory") 2)
  (data (i32.const 16) "\08\c8\01\12\10application/json\22\0b{\22ok\22:true}")
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (if (i32.eq (memory.grow (i32.const 65534)) (i32.const -1)) (then unreachable))
    (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 34))))
