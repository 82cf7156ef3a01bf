;; Answers with the pointer 0x80000010, negative when it is read as signed (spec/bridge.md G6).
;; Host: SBX_RESPONSE_READ_FAILED; never bytes from address 0x10, and no RangeError of the host's own.
(module
  (memory (export "memory") 2)
  (data (i32.const 16) "\08\c8\01\12\10application/json\22\0b{\22ok\22:true}")
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (i64.or (i64.shl (i64.const 0x80000010) (i64.const 32)) (i64.const 34))))
