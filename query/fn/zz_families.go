package fn


func registerCastFuncs(*registry)   {}
func registerToChar(*registry)      {}
func registerConditional(*registry) {}
func registerArray(*registry)       {}
func registerJSON(*registry)        {}
func registerSets(*registry)        {}
func registerSession(*registry)     {}
func registerCatalogInfo(*registry) {}
func registerPinot(*registry)       {}
