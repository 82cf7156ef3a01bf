;; Counts its own executions twice, in a mutable global and in memory, and answers both numbers as text: `1 1`.
;; Host: `1 1` for every request while instances are pristine or fresh; `2 2`, `3 3`, … when they are warm.
(module
  (memory (export "memory") 2)
  (global $count (mut i32) (i32.const 0))
  ;; The head of the answer; the length of the body goes to 32, the body to 33. Text is at most 21 bytes.
  (data (i32.const 16) "\08\c8\01\12\0atext/plain\22")
  (func $digits (param $value i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $value) (i32.const 10))
      (then (i32.const 1))
      (else (i32.add (i32.const 1) (call $digits (i32.div_u (local.get $value) (i32.const 10)))))))
  ;; Prints $value at $at and returns the address behind it.
  (func $print (param $value i32) (param $at i32) (result i32)
    (local $end i32) (local $digit i32)
    (local.set $end (i32.add (local.get $at) (call $digits (local.get $value))))
    (local.set $digit (local.get $end))
    (loop $next
      (local.set $digit (i32.sub (local.get $digit) (i32.const 1)))
      (i32.store8 (local.get $digit) (i32.add (i32.const 48) (i32.rem_u (local.get $value) (i32.const 10))))
      (local.set $value (i32.div_u (local.get $value) (i32.const 10)))
      (br_if $next (local.get $value)))
    local.get $end)
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    (local $pages i32)
    (local.set $pages
      (i32.sub (i32.shr_u (i32.add (i32.add (i32.const 65536) (local.get $len)) (i32.const 65535)) (i32.const 16)) (memory.size)))
    (if (i32.gt_s (local.get $pages) (i32.const 0)) (then (drop (memory.grow (local.get $pages)))))
    i32.const 65536)

  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (local $end i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))
    (local.set $end (call $print (global.get $count) (i32.const 33)))
    (i32.store8 (local.get $end) (i32.const 32))
    (local.set $end (call $print (i32.load (i32.const 8192)) (i32.add (local.get $end) (i32.const 1))))
    (i32.store8 (i32.const 32) (i32.sub (local.get $end) (i32.const 33)))
    (i64.or
      (i64.shl (i64.const 16) (i64.const 32))
      (i64.extend_i32_u (i32.sub (local.get $end) (i32.const 16))))))
