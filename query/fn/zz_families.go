package fn

func registerToChar(*registry) {}
func registerPinot(*registry)  {}
