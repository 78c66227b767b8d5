package fn

func registerPinot(*registry) {}
