cimport cython

from sock.loop.shared_tls cimport SharedTLS as CSharedTLS


cdef Py_ssize_t _RECORD
cdef Py_ssize_t _HEAD
cdef int _APPLICATION_DATA

cdef bint _is_one_record(bytes data) except -1


@cython.final
cdef class TLSPipe:
    cdef public object receiver
    cdef readonly object tls
    cdef CSharedTLS _shared
    cdef object _lower
    cdef object _tls
    cdef object _decrypt
    cdef object _encrypt
    cdef bint _between_records
    cdef object _state
    cdef bytearray _kept
    cdef bint _paused
    cdef bint _held
    cdef bint _fin_received
    cdef bint _peer_ended
    cdef object _alarm

    cpdef received(self, bytes data)
    cpdef ended(self)
    cpdef drained(self)
    cpdef lost(self)
    cpdef step(self)
    cpdef write(self, data)
    cpdef finish(self)
    cpdef close(self)
    cpdef abort(self)
    cdef _take_part(self, bytes data)
    cdef _read(self, bytes data)
    cdef bint _read_all(self, list pieces, Py_ssize_t size) except -1
    cdef _note_end(self)
    cdef _fail(self, detail, answer=*)
    cdef _hold(self)
    cdef _let_go(self)
    cdef _write_records(self, data)
    cdef _say_goodbye(self)
    cdef _wait_for_the_end(self)
    cdef _send(self)
