;; Asks runtime info.uuid without end.
;; Host: SBX_HOST_CALL_LIMIT.
(module
  (import "lina_env" "host_call" (func $host_call (param $opcode i32) (param $ptr i32) (param $len i32) (result i64)))
  (memory (export "memory") 2)
  (data (i32.const 1024) "\0a\07runtime\12\09info.uuid")
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_host_call_alloc") (param $len i32) (result i32)
    i32.const 2048)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (loop $forever
      (drop (call $host_call (i32.const 1) (i32.const 1024) (i32.const 20)))
      (br $forever))
    unreachable))
