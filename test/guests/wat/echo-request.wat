;; Answers 200 application/octet-stream whose body is the raw request envelope, so that a test sees every byte the host wrote.
;; Memory:  [ … answer head, right-aligned | 65536: request as written by the host … ]
;; Host: passes the answer on; requests of any size fit, because alloc grows the memory.
(module
  (memory (export "memory") 2)
  (global $base i32 (i32.const 65536))
  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    (local $pages i32)
    (local.set $pages
      (i32.sub (i32.shr_u (i32.add (i32.add (global.get $base) (local.get $len)) (i32.const 65535)) (i32.const 16)) (memory.size)))
    (if (i32.gt_s (local.get $pages) (i32.const 0)) (then (drop (memory.grow (local.get $pages)))))
    global.get $base)

  ;; Writes the answer head in front of the body, which begins at $base, and returns (ptr << 32) | len.
  (data (i32.const 16) "\08\c8\01\12\18application/octet-stream\22")
  (func $answer (param $len i32) (result i64)
    (local $rest i32) (local $digits i32) (local $at i32) (local $start i32)
    (local.set $rest (local.get $len))
    (local.set $digits (i32.const 1))
    (loop $count
      (local.set $rest (i32.shr_u (local.get $rest) (i32.const 7)))
      (if (local.get $rest) (then (local.set $digits (i32.add (local.get $digits) (i32.const 1))) (br $count))))
    (local.set $at (i32.sub (global.get $base) (local.get $digits)))
    (local.set $start (i32.sub (local.get $at) (i32.const 30)))
    (memory.copy (local.get $start) (i32.const 16) (i32.const 30))
    (local.set $rest (local.get $len))
    (loop $varint
      (if (i32.gt_u (local.get $rest) (i32.const 127))
        (then
          (i32.store8 (local.get $at) (i32.or (local.get $rest) (i32.const 128)))
          (local.set $rest (i32.shr_u (local.get $rest) (i32.const 7)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $varint))))
    (i32.store8 (local.get $at) (local.get $rest))
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $start)) (i64.const 32))
      (i64.extend_i32_u (i32.sub (i32.add (global.get $base) (local.get $len)) (local.get $start)))))

  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (call $answer (local.get $len))))
