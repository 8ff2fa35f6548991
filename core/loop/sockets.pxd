from sock.loop.reactor cimport Reactor


cpdef accept(Reactor reactor, listening)
cpdef adopt(Reactor reactor, sock, connect)
