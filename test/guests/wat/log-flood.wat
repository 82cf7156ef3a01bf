;; Writes log lines of 60000 bytes without end (runtime log.write, level 2). The request is built in place:
;; service, method, payload (60006 bytes) of level 2 and a message of 60000 times "x".
;; Host: SBX_HOST_CALL_LIMIT or SBX_DEADLINE; the log keeps a bounded part of it and the host keeps serving.
(module
  (import "lina_env" "host_call" (func $host_call (param $opcode i32) (param $ptr i32) (param $len i32) (result i64)))
  (memory (export "memory") 2)
  (data (i32.const 1024) "\0a\07runtime\12\09log.write\2a\e6\d4\03\08\02\12\e0\d4\03")
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (memory.fill (i32.const 1054) (i32.const 120) (i32.const 60000))
    (loop $forever
      (drop (call $host_call (i32.const 1) (i32.const 1024) (i32.const 60030)))
      (br $forever))
    unreachable))
