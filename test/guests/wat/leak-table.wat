;; Remembers in its table what a reset cannot undo: each request makes it one entry larger and fills that.
;; Host: runs it fresh, so that every answer is `1`; the digit is 2, 3, … when it is warm.
(module
  (memory (export "memory") 2)
  (table $t 1 9 funcref) (elem declare func $f)
  (data (i32.const 16) "\08\c8\01\12\0atext/plain\22\01")
  (func $f)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32) i32.const 65536)
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (i32.store8 (i32.const 33) (i32.add (i32.const 48) (table.size $t)))
    (i32.store8 (i32.const 33) (i32.add (i32.load8_u (i32.const 33)) (i32.eqz (ref.is_null (table.get $t (i32.const 0))))))
    (table.set $t (i32.const 0) (ref.func $f))
    (drop (table.grow $t (ref.func $f) (i32.const 1)))
    (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 18))))
