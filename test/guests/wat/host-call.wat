;; Makes one host call per request: the body of the HTTP request is the raw host-call request, the body of the answer is the
;; raw host-call response (empty when the host returned 0).
;; Memory:  [ … answer head | 65536: request, later the host-call response … ]
;; Host: whatever the call deserves.
(module
  (import "lina_env" "host_call" (func $host_call (param $opcode i32) (param $ptr i32) (param $len i32) (result i64)))
  (memory (export "memory") 2)
  (global $base i32 (i32.const 65536))
  (global $at (mut i32) (i32.const 0))    ;; read position
  (global $size (mut i32) (i32.const 0))  ;; length of the field that was found
  (func $alloc (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    (local $pages i32)
    (local.set $pages
      (i32.sub (i32.shr_u (i32.add (i32.add (global.get $base) (local.get $len)) (i32.const 65535)) (i32.const 16)) (memory.size)))
    (if (i32.gt_s (local.get $pages) (i32.const 0)) (then (drop (memory.grow (local.get $pages)))))
    global.get $base)

  ;; The response overwrites the request, which the host has copied by then.
  (func (export "lina_host_call_alloc") (param $len i32) (result i32)
    (call $alloc (local.get $len)))

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

  (func $varint (result i32)
    (local $byte i32) (local $shift i32) (local $value i32)
    (loop $more
      (local.set $byte (i32.load8_u (global.get $at)))
      (global.set $at (i32.add (global.get $at) (i32.const 1)))
      (local.set $value
        (i32.or (local.get $value) (i32.shl (i32.and (local.get $byte) (i32.const 127)) (local.get $shift))))
      (local.set $shift (i32.add (local.get $shift) (i32.const 7)))
      (br_if $more (i32.gt_u (local.get $byte) (i32.const 127))))
    local.get $value)
  ;; Moves $at to the contents of the length-delimited field $tag before $end; $size is 0 when there is none.
  (func $find (param $tag i32) (param $end i32)
    (local $seen i32)
    (loop $fields
      (global.set $size (i32.const 0))
      (if (i32.lt_u (global.get $at) (local.get $end))
        (then
          (local.set $seen (call $varint))
          (global.set $size (call $varint))
          (if (i32.ne (local.get $seen) (local.get $tag))
            (then
              (global.set $at (i32.add (global.get $at) (global.get $size)))
              (br $fields)))))))
  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (local $reply i64)
    (global.set $at (global.get $base))
    (call $find (i32.const 0x1a) (i32.add (global.get $base) (local.get $len)))   ;; field 3, the request snapshot
    (call $find (i32.const 0x6a) (i32.add (global.get $at) (global.get $size)))   ;; field 13, its body
    (local.set $reply (call $host_call (i32.const 1) (global.get $at) (global.get $size)))
    (call $answer (i32.wrap_i64 (local.get $reply)))))
