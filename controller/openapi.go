package controller

import (
	"regexp"
	"strings"
)

var pathParam = regexp.MustCompile(`\{(\w+)\}`)

// openAPI describes the routes as an OpenAPI 3 document.
func openAPI(routes []route, version string) map[string]any {
	paths := map[string]map[string]any{}
	for i := range routes {
		rt := &routes[i]
		if paths[rt.path] == nil {
			paths[rt.path] = map[string]any{}
		}
		paths[rt.path][strings.ToLower(rt.method)] = operation(rt)
	}
	if version == "" {
		version = "unknown"
	}
	return map[string]any{
		"openapi": "3.0.3",
		"info":    map[string]any{"title": "Alluvium controller", "version": version},
		"paths":   paths,
		"components": map[string]any{
			"securitySchemes": map[string]any{"basic": map[string]any{"type": "http", "scheme": "basic"}},
			"schemas": map[string]any{"Error": map[string]any{
				"type": "object", "required": []string{"code", "error"},
				"properties": map[string]any{"code": map[string]any{"type": "integer"}, "error": map[string]any{"type": "string"}},
			}},
		},
	}
}

func operation(rt *route) map[string]any {
	params := []any{}
	for _, m := range pathParam.FindAllStringSubmatch(rt.path, -1) {
		params = append(params, parameter("path", m[1], "", true))
	}
	for _, p := range rt.params {
		params = append(params, parameter("query", p[0], p[1], false))
	}
	op := map[string]any{
		"summary": rt.summary, "operationId": operationID(rt), "parameters": params,
		"responses": map[string]any{
			"200": map[string]any{"description": "done"},
			"default": map[string]any{"description": "refused or failed", "content": jsonContent(
				map[string]any{"$ref": "#/components/schemas/Error"})},
		},
	}
	if rt.body {
		op["requestBody"] = map[string]any{"required": true, "content": jsonContent(map[string]any{"type": "object"})}
	}
	if rt.file {
		op["requestBody"] = map[string]any{"required": true, "content": map[string]any{"application/octet-stream": map[string]any{
			"schema": map[string]any{"type": "string", "format": "binary"}}}}
	}
	if !rt.public {
		op["security"] = []any{map[string]any{"basic": []string{}}}
	}
	return op
}

func parameter(in, name, description string, required bool) map[string]any {
	return map[string]any{"in": in, "name": name, "description": description, "required": required,
		"schema": map[string]any{"type": "string"}}
}

func jsonContent(schema map[string]any) map[string]any {
	return map[string]any{"application/json": map[string]any{"schema": schema}}
}

// operationID makes a name from method and path.
func operationID(rt *route) string {
	words := strings.FieldsFunc(rt.path, func(r rune) bool { return strings.ContainsRune("/{}._-", r) })
	return strings.ToLower(rt.method) + "_" + strings.Join(words, "_")
}
