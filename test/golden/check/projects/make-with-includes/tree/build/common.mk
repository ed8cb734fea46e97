test-%:
	true
