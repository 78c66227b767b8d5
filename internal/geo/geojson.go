package geo

// AppendGeoJSON appends the geometry as GeoJSON (RFC 7946).
func (g *Geometry) AppendGeoJSON(dst []byte) []byte {
	dst = append(append(append(dst, `{"type":"`...), g.Kind.String()...), '"')
	if g.Kind == KindCollection {
		dst = append(dst, `,"geometries":`...)
		dst = appendArray(dst, len(g.Parts), func(dst []byte, i int) []byte { return g.Parts[i].AppendGeoJSON(dst) })
	} else {
		dst = g.appendCoordinates(append(dst, `,"coordinates":`...))
	}
	return append(dst, '}')
}

func (g *Geometry) appendCoordinates(dst []byte) []byte {
	switch g.Kind {
	case KindPoint:
		if len(g.Points) == 0 {
			return append(dst, "[]"...)
		}
		return appendPair(dst, g.Points[0])
	case KindLineString:
		return appendPairs(dst, g.Points)
	case KindPolygon:
		return appendArray(dst, len(g.Rings), func(dst []byte, i int) []byte { return appendPairs(dst, g.Rings[i]) })
	}
	return appendArray(dst, len(g.Parts), func(dst []byte, i int) []byte { return g.Parts[i].appendCoordinates(dst) })
}

func appendPair(dst []byte, p Point) []byte {
	dst = appendNumber(append(dst, '['), p.X)
	return append(appendNumber(append(dst, ','), p.Y), ']')
}

func appendPairs(dst []byte, points []Point) []byte {
	return appendArray(dst, len(points), func(dst []byte, i int) []byte { return appendPair(dst, points[i]) })
}

func appendArray(dst []byte, n int, item func([]byte, int) []byte) []byte {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = item(dst, i)
	}
	return append(dst, ']')
}
