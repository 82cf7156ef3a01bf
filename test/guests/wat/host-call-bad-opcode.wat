;; Makes a host call with opcode 2, and answers the raw host-call response as its own response: statusCode 2, contentType =
;; the error payload.
;; Host: host-call status 2, `unknown host call opcode: 0x0002`.
(module
  (import "lina_env" "host_call" (func $host_call (param $opcode i32) (param $ptr i32) (param $len i32) (result i64)))
  (memory (export "memory") 2)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_host_call_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (call $host_call (i32.const 2) (i32.const 0) (i32.const 0))))
