;; Tries to leave something behind, in every way that a guest has, and tells what it found when it was called: a digest of its
;; whole memory, its globals and its memory size, made before the host has written the request. What it does is said in the
;; request behind the bytes `!!`, one letter each, until the end or a byte that is no letter:
;;   p stores of every width all over the memory   v vector stores   f fill   c copy   i init from a passive segment
;;   g grow and write there   G globals   D data.drop   E elem.drop   w every WASI call that writes   h host call   x exceptions
;;   y deep recursion   t trap   o store outside   l endless loop   L endless memory.fill   s endless recursion   e proc_exit
;; Answers 200 text/plain with 16 hexadecimal digits.
;; Host: the same digits for every request, whatever the others did, while instances are pristine or fresh; others when warm.
(module
  (import "lina_env" "host_call" (func $host_call (param i32 i32 i32) (result i64)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_res_get" (func $clock_res_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fd_fdstat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_get" (func $fd_filestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 4)
  (tag $oops (param i32))
  (table 3 funcref) (elem (i32.const 0) func $calls $trap) (elem $unused func $calls)
  (type $action (func))
  ;; Answer: head, length 16, digits at 38. The host call asks runtime info.uuid; its answer goes to $reply.
  (data (i32.const 16) "\08\c8\01\12\0atext/plain\22\10")
  (data (i32.const 256) "\0a\07runtime\12\09info.uuid")
  (data (i32.const 4090) "across the end of a page") (data (i32.const 131060) "and of a large one, too")
  (data $passive "a passive segment with some text in it")
  (global $digest (mut i64) (i64.const 0))
  (global $a (export "a") (mut i32) (i32.const 11))
  (global $b (export "b") (mut i64) (i64.const -22))
  (global $c (mut f32) (f32.const 3.5))
  (global $d (export "d") (mut f64) (f64.const -4.25))
  (global $reply (mut i32) (i32.const 20000))
  (global $seed (mut i32) (i32.const 1))

  (func (export "_initialize")
    (memory.fill (i32.const 150000) (i32.const 90) (i32.const 5000))
    (global.set $seed (i32.const 12345)))

  (func $mix (param $value i64)
    (global.set $digest (i64.mul (i64.rotl (i64.xor (global.get $digest) (local.get $value)) (i64.const 23)) (i64.const 0x9e3779b97f4a7c15))))
  (func $look
    (local $at i32) (local $end i32)
    (call $mix (i64.extend_i32_u (memory.size)))
    (call $mix (i64.extend_i32_u (global.get $a)))
    (call $mix (global.get $b))
    (call $mix (i64.extend_i32_u (i32.reinterpret_f32 (global.get $c))))
    (call $mix (i64.reinterpret_f64 (global.get $d)))
    (call $mix (i64.extend_i32_u (global.get $reply)))
    (call $mix (i64.extend_i32_u (global.get $seed)))
    (call $mix (i64.extend_i32_u (i32.add (table.size 0) (ref.is_null (table.get 0 (i32.const 2))))))
    (local.set $end (i32.shl (memory.size) (i32.const 16)))
    (loop $next
      (global.set $digest (i64.mul (i64.rotl (i64.xor (global.get $digest) (i64.load (local.get $at))) (i64.const 23)) (i64.const 0x9e3779b97f4a7c15)))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $end))))
    ;; Traps when the segment was dropped, and leaves the memory as it was when not.
    (memory.init $passive (i32.const 300) (i32.const 0) (i32.const 8))
    (call $mix (i64.load (i32.const 300))))

  (func (export "lina_dynamic_route_alloc") (param $len i32) (result i32)
    (local $pages i32)
    (call $look)
    (local.set $pages
      (i32.sub (i32.shr_u (i32.add (i32.add (i32.const 65536) (local.get $len)) (i32.const 65535)) (i32.const 16)) (memory.size)))
    (if (i32.gt_s (local.get $pages) (i32.const 0)) (then (drop (memory.grow (local.get $pages)))))
    i32.const 65536)
  (func (export "lina_host_call_alloc") (param $len i32) (result i32)
    (global.set $reply (i32.add (global.get $reply) (local.get $len)))
    (i32.sub (global.get $reply) (local.get $len)))

  (func (export "lina_dynamic_route_execute") (param $len i32) (result i64)
    (local $at i32) (local $end i32)
    (local.set $at (i32.const 65536))
    (local.set $end (i32.add (local.get $at) (local.get $len)))
    (block $found
      (loop $seek
        (br_if $found (i32.ge_u (local.get $at) (local.get $end)))
        (br_if $found (i32.eq (i32.load16_u (local.get $at)) (i32.const 0x2121)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $seek)))
    (local.set $at (i32.add (local.get $at) (i32.const 2)))
    (block $done
      (loop $letters
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (br_if $done (i32.eqz (call $act (i32.load8_u (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $letters)))
    (call $print)
    (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 33)))

  (func $print
    (local $index i32) (local $digit i32)
    (loop $next
      (local.set $digit (i32.wrap_i64 (i64.and (i64.shr_u (global.get $digest) (i64.extend_i32_u (i32.shl (local.get $index) (i32.const 2)))) (i64.const 15))))
      (i32.store8 offset=33 (local.get $index)
        (i32.add (local.get $digit) (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $digit) (i32.const 10)))))
      (br_if $next (i32.lt_u (local.tee $index (i32.add (local.get $index) (i32.const 1))) (i32.const 16)))))

  (func $random (result i32)
    (global.set $seed (i32.add (i32.mul (global.get $seed) (i32.const 1664525)) (i32.const 1013904223)))
    (i32.rem_u (i32.shr_u (global.get $seed) (i32.const 3)) (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 64))))
  (func $stores
    (local $left i32) (local $at i32)
    (local.set $left (i32.const 40))
    (loop $next
      (i32.store8 (call $random) (i32.const 1)) (i32.store16 (call $random) (i32.const 0x1234)) (i32.store (call $random) (i32.const -1))
      (i64.store8 (call $random) (i64.const 2)) (i64.store16 (call $random) (i64.const 0x2345)) (i64.store32 (call $random) (i64.const -2))
      (i64.store (call $random) (i64.const -3)) (f32.store (call $random) (f32.const 1.5)) (f64.store (call $random) (f64.const 2.5))
      (local.set $at (call $random))
      (i64.store (local.get $at) (i64.const 7)) (i64.store offset=8 (local.get $at) (i64.const 8)) (i64.store offset=48 (local.get $at) (i64.const 9))
      (i32.store (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 4)) (i32.const 5))
      (i64.store (i32.const 8188) (i64.const -1)) (i64.store (i32.const 65532) (i64.const -1))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
  (func $vectors
    (v128.store (i32.const 12280) (v128.const i64x2 -1 -1)) (v128.store (call $random) (v128.const i64x2 3 4))
    (v128.store8_lane 3 (call $random) (v128.const i64x2 -5 -1)) (v128.store16_lane 3 (call $random) (v128.const i64x2 -5 -1))
    (v128.store32_lane 3 (call $random) (v128.const i64x2 -5 -1)) (v128.store64_lane 1 (i32.const 16380) (v128.const i64x2 -5 -1)))
  (func $bulk
    (memory.fill (call $random) (i32.const 77) (i32.const 60)) (memory.fill (i32.const 28000) (i32.const 78) (i32.const 20000)))
  (func $copy
    (memory.copy (call $random) (i32.const 4080) (i32.const 50)) (memory.copy (i32.const 100000) (i32.const 4096) (i32.const 30000)))
  (func $grow
    (local $from i32)
    (local.set $from (i32.shl (memory.size) (i32.const 16)))
    (if (i32.gt_s (memory.grow (i32.const 1)) (i32.const 0))
      (then (memory.fill (local.get $from) (i32.const 99) (i32.const 65536)))))
  (func $globals
    (global.set $a (i32.add (global.get $a) (i32.const 1))) (global.set $b (i64.add (global.get $b) (i64.const 1)))
    (global.set $c (f32.add (global.get $c) (f32.const 1))) (global.set $d (f64.add (global.get $d) (f64.const 1))))
  (func $wasi
    (drop (call $random_get (i32.const 24000) (i32.const 4097)))
    (drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 8188))) (drop (call $clock_res_get (i32.const 0) (i32.const 12286)))
    (drop (call $environ_sizes_get (i32.const 16382) (i32.const 16390))) (drop (call $args_sizes_get (i32.const 40958) (i32.const 200000)))
    (drop (call $fd_fdstat_get (i32.const 1) (i32.const 45050))) (drop (call $fd_filestat_get (i32.const 1) (i32.const 49140)))
    (i32.store (i32.const 400) (i32.const 4090)) (i32.store (i32.const 404) (i32.const 10))
    (drop (call $fd_write (i32.const 1) (i32.const 400) (i32.const 1) (i32.const 53246)))
    (drop (call $fd_read (i32.const 0) (i32.const 400) (i32.const 1) (i32.const 57342)))
    (drop (call $fd_close (i32.const 1)))
    ;; Descriptor 0 is ready at once.
    (i32.store8 (i32.const 508) (i32.const 1))
    (drop (call $poll_oneoff (i32.const 500) (i32.const 61430) (i32.const 1) (i32.const 61438))))
  (func $exceptions
    (try (do (i32.store (i32.const 36860) (i32.const 1)) (call $throw)) (catch $oops (i32.store (i32.const 36864))) (catch_all)))
  (func $throw (i32.store (i32.const 32766) (i32.const -1)) (throw $oops (i32.const 42)))
  (func $deep (param $left i32)
    (i64.store (i32.add (i32.const 180000) (i32.mul (local.get $left) (i32.const 24))) (i64.extend_i32_u (local.get $left)))
    (if (local.get $left) (then (call $deep (i32.sub (local.get $left) (i32.const 1))))))
  (func $endless (call $endless) (call $calls))
  (func $calls (call_indirect (type $action) (i32.const 0)))
  (func $trap unreachable)

  ;; Does what a letter says; 0 when it is none.
  (func $act (param $letter i32) (result i32)
    (if (i32.eq (local.get $letter) (i32.const 112)) (then (call $stores) (return (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 118)) (then (call $vectors) (return (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 102)) (then (call $bulk) (return (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 99)) (then (call $copy) (return (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 105))
      (then (memory.init $passive (i32.const 69630) (i32.const 2) (i32.const 30)) (return (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 103)) (then (call $grow) (return (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 71)) (then (call $globals) (return (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 68)) (then (data.drop $passive) (return (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 69)) (then (elem.drop $unused) (return (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 119)) (then (call $wasi) (return (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 104))
      (then (drop (call $host_call (i32.const 1) (i32.const 256) (i32.const 20))) (return (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 120)) (then (call $exceptions) (return (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 121)) (then (call $deep (i32.const 900)) (return (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 116)) (then (call_indirect (type $action) (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 111)) (then (i64.store offset=4294967295 (i32.const 40) (i64.const -1))))
    (if (i32.eq (local.get $letter) (i32.const 108)) (then (loop (call $globals) (i32.store (i32.const 12000) (global.get $a)) (br 0))))
    (if (i32.eq (local.get $letter) (i32.const 76))
      (then (loop (memory.fill (i32.const 70000) (i32.const 1) (i32.const 100000)) (br 0))))
    (if (i32.eq (local.get $letter) (i32.const 115)) (then (call $endless)))
    (if (i32.eq (local.get $letter) (i32.const 101)) (then (call $proc_exit (i32.const 3))))
    i32.const 0))
