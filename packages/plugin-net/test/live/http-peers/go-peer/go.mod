module skep.test/peer

go 1.19
