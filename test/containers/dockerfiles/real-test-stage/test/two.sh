echo ok two
