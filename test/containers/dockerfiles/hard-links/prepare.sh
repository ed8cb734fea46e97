ln tree/first tree/second; ln tree/first other
