;; Grows its memory page by page until the host refuses, and then answers 200 {"ok":true}: a refusal is not an error.
;; Host: passes the answer on; memory.grow gave −1 at the limit.
(module
  (memory (export "memory") 2)
  (data (i32.const 16) "\08\c8\01\12\10application/json\22\0b{\22ok\22:true}")
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (loop $more
      (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 34))))
