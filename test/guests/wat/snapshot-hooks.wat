;; Takes part in its snapshot: its warm-up makes a host call and sets a number to 100, its reseed hook stores 16 bits of the seed.
;; Every execution adds 1 to the number and answers both as text: `101 4711`.
;; Host: refuses the host call; `101` and another seed for every request while instances are pristine.
(module
  (import "lina_env" "host_call" (func $host_call (param $opcode i32) (param $ptr i32) (param $len i32) (result i64)))
  (memory (export "memory") 2)
  (data (i32.const 1024) "\0a\07runtime\12\09info.uuid")
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

  (func (export "lina_host_call_alloc") (param $len i32) (result i32)
    i32.const 2048)
  (func (export "sandpool_warm_up")
    (drop (call $host_call (i32.const 1) (i32.const 1024) (i32.const 20)))
    ;; 8 and the status, the first field of the reply: 4 is a refusal.
    (if (i32.ne (i32.load16_u (i32.const 2048)) (i32.const 0x0408)) (then unreachable))
    (i32.store (i32.const 8192) (i32.const 100)) (; end of the warm-up ;))
  (func (export "sandpool_reseed") (param $seed i64)
    (i32.store16 (i32.const 8196) (i32.wrap_i64 (local.get $seed))) (; end of the reseed ;))
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (local $end i32)
    (i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))
    (local.set $end (call $print (i32.load (i32.const 8192)) (i32.const 33)))
    (i32.store8 (local.get $end) (i32.const 32))
    (local.set $end (call $print (i32.load (i32.const 8196)) (i32.add (local.get $end) (i32.const 1))))
    (i32.store8 (i32.const 32) (i32.sub (local.get $end) (i32.const 33)))
    (i64.or
      (i64.shl (i64.const 16) (i64.const 32))
      (i64.extend_i32_u (i32.sub (local.get $end) (i32.const 16))))))
