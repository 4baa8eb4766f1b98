Dear all,
please find Quenby attached.
