;; Grows its memory by one page inside every alloc, so that every view of the memory that the host kept is stale.
;; Answers {"ok":true} when the host-call response arrived (its first byte is 12, field 2), else traps.
;; Host: passes the answer on.
(module
  (import "lina_env" "host_call" (func $host_call (param $opcode i32) (param $ptr i32) (param $len i32) (result i64)))
  (memory (export "memory") 2)
  (data (i32.const 16) "\08\c8\01\12\10application/json\22\0b{\22ok\22:true}")
  (data (i32.const 1024) "\0a\07runtime\12\09info.uuid")
  (func $fresh-page (result i32)
    (i32.shl (memory.grow (i32.const 1)) (i32.const 16)))
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    (call $fresh-page))
  (func (export "lina_host_call_alloc") (param $len i32) (result i32)
    (call $fresh-page))
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (local $reply i64)
    (local.set $reply (call $host_call (i32.const 1) (i32.const 1024) (i32.const 20)))
    (if (i32.ne (i32.load8_u (i32.wrap_i64 (i64.shr_u (local.get $reply) (i64.const 32)))) (i32.const 0x12))
      (then unreachable))
    (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 34))))
