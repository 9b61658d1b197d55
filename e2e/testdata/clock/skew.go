// Package main gets this file in a build for tests alone, so that the time of
// day of one process can jump as if its host's clock were set: all that asks
// for the time is told one that is ahead by the seconds in the file named by
// PENSTOCK_TEST_CLOCK. The monotonic clock goes on, as it does then.
package main

import (
	"encoding/binary"
	"os"
	"reflect"
	"sync/atomic"
	"syscall"
	"unsafe"
)

//go:linkname timeNow time.now
func timeNow() (sec int64, nsec int32, mono int64)

//go:linkname runtimeNow time.runtimeNow
func runtimeNow() (sec int64, nsec int32, mono int64)

// ahead lies in the file.
var ahead *atomic.Int64

func skewed() (sec int64, nsec int32, mono int64) {
	sec, nsec, mono = timeNow()
	return sec + ahead.Load(), nsec, mono
}

func init() {
	file, err := os.Open(os.Getenv("PENSTOCK_TEST_CLOCK"))
	if err != nil {
		panic(err)
	}
	defer file.Close()
	b, err := syscall.Mmap(int(file.Fd()), 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	ahead = (*atomic.Int64)(unsafe.Pointer(&b[0]))

	// What time.Now asks begins with a jump: mov $skewed, %rax; jmp *%rax.
	code := append([]byte{0x48, 0xb8}, make([]byte, 8)...)
	binary.LittleEndian.PutUint64(code[2:], uint64(reflect.ValueOf(skewed).Pointer()))
	code = append(code, 0xff, 0xe0)
	from := reflect.ValueOf(runtimeNow).Pointer()
	at := unsafe.Slice((*byte)(unsafe.Pointer(from)), len(code))
	page := from &^ uintptr(os.Getpagesize()-1)
	pages := unsafe.Slice((*byte)(unsafe.Pointer(page)), 2*os.Getpagesize())
	if err := syscall.Mprotect(pages, syscall.PROT_READ|syscall.PROT_WRITE|syscall.PROT_EXEC); err != nil {
		panic(err)
	}
	copy(at, code)
	if err := syscall.Mprotect(pages, syscall.PROT_READ|syscall.PROT_EXEC); err != nil {
		panic(err)
	}
}
