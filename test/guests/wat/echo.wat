;; The smallest correct guest. Answers every request with 200 application/json {"ok":true}.
;; Host: passes the answer on; `08c80112106170706c69636174696f6e2f6a736f6e220b7b226f6b223a747275657d` (spec/bridge.md E11).
(module
  (memory (export "memory") 2)
  (data (i32.const 16) "\08\c8\01\12\10application/json\22\0b{\22ok\22:true}")
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    (local $pages i32)
    (local.set $pages
      (i32.sub (i32.shr_u (i32.add (i32.add (i32.const 65536) (local.get $len)) (i32.const 65535)) (i32.const 16)) (memory.size)))
    (if (i32.gt_s (local.get $pages) (i32.const 0)) (then (drop (memory.grow (local.get $pages)))))
    i32.const 65536)

  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 34))))
