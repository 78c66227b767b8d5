package fn

import "github.com/alluviumdb/alluvium/internal/column"

func registerNumericMath(*registry) {}
func registerMath(*registry)        {}
func registerText(*registry)        {}
func registerTextMore(*registry)    {}
func registerLike(*registry)        {}
func registerRegexp(*registry)      {}
func registerFormat(*registry)      {}
func registerCastFuncs(*registry)   {}
func registerDateTime(*registry)    {}
func registerDateArith(*registry)   {}
func registerDateMake(*registry)    {}
func registerToChar(*registry)      {}
func registerConditional(*registry) {}
func registerArray(*registry)       {}
func registerJSON(*registry)        {}
func registerSets(*registry)        {}
func registerSession(*registry)     {}
func registerCatalogInfo(*registry) {}
func registerPinot(*registry)       {}

func negInterval(iv column.Interval) (column.Interval, error) {
	return column.Interval{Months: -iv.Months, Days: -iv.Days, Micros: -iv.Micros}, nil
}
