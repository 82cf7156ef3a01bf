;; Makes a host call whose request lies outside the memory, and answers the raw host-call response as its own response.
;; The response (status 4 and an error payload) read as a bridge response means: statusCode 4, contentType = the payload.
;; Host: host-call status 4, `failed to read host call request from guest memory`.
(module
  (import "lina_env" "host_call" (func $host_call (param $opcode i32) (param $ptr i32) (param $len i32) (result i64)))
  (memory (export "memory") 2)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_host_call_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (call $host_call (i32.const 1) (i32.const 0xffffff00) (i32.const 0x40))))
