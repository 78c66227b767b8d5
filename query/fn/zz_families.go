package fn

func registerToChar(*registry)      {}
func registerJSON(*registry)        {}
func registerSession(*registry)     {}
func registerCatalogInfo(*registry) {}
func registerPinot(*registry)       {}
