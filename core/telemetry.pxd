# No class and no function of C: the module is compiled because each connection passes through it twice.
