;; Answers with a good pointer and a length that ends one byte behind the memory.
;; Host: SBX_RESPONSE_READ_FAILED.
(module
  (memory (export "memory") 2)
  (data (i32.const 16) "\08\c8\01\12\10application/json\22\0b{\22ok\22:true}")
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 0x1fff1))))
