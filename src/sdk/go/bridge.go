package lina

import (
	"encoding/json"
	"strings"
)

// Request is one invocation of the plugin, usually an HTTP request.
type Request struct {
	PluginID, RequestID                                 string
	RoutePath, Access, Permission, RequestType          string
	Method, PublicPath, InternalPath, RawPath, RawQuery string
	Host, Scheme, RemoteAddr, ClientIP, ContentType     string
	Params, Cookies                                     map[string]string
	Query, Headers                                      map[string][]string
	Body                                                []byte
	// Identity is nil on public routes, in lifecycle handlers and in jobs.
	Identity *Identity
	hasRoute bool
}

// Identity is the user who asks.
type Identity struct {
	TokenID, Username                               string
	UserID, Status, DataScope, UnsupportedDataScope int32
	TenantID, ActingUserID                          int32
	Permissions, RoleNames                          []string
	IsSuperAdmin, DataScopeUnsupported              bool
	ActingAsTenant, IsImpersonation                 bool
}

// Response is an answer. Code marks it as a failure, for lifecycle handlers and jobs.
type Response struct {
	Status      int
	ContentType string
	Headers     map[string][]string
	Body        []byte
	Code        string
}

// JSON answers 200 with a value as JSON.
func JSON(value any) Response {
	body, err := json.Marshal(value)
	if err != nil {
		return InternalError(err.Error())
	}
	return Response{Status: 200, ContentType: "application/json", Body: body}
}

// Text answers 200 with a text.
func Text(body string) Response {
	return Response{Status: 200, ContentType: "text/plain; charset=utf-8", Body: []byte(body)}
}

// HTML answers 200 with a page.
func HTML(body string) Response {
	return Response{Status: 200, ContentType: "text/html; charset=utf-8", Body: []byte(body)}
}

func BadRequest(message string) Response { return Failure(400, "BAD_REQUEST", message, "Bad Request") }
func Unauthorized(message string) Response {
	return Failure(401, "UNAUTHORIZED", message, "Unauthorized")
}
func Forbidden(message string) Response { return Failure(403, "FORBIDDEN", message, "Forbidden") }
func NotFound(message string) Response  { return Failure(404, "NOT_FOUND", message, "Not Found") }
func InternalError(message string) Response {
	return Failure(500, "INTERNAL_ERROR", message, "Internal Server Error")
}

// Failure answers with a message as plain text; a blank one becomes fallback.
func Failure(status int, code, message, fallback string) Response {
	if message = strings.TrimSpace(message); message == "" {
		message = fallback
	}
	response := Text(message)
	response.Status, response.Code = status, code
	return response
}

// Handler serves a request type.
type Handler func(request *Request) Response

var handlers = map[string]Handler{}

// On serves a request type, the name that hack/config.yaml gives to a route. Call it in init.
func On(requestType string, handler Handler) {
	if handlers[requestType] != nil {
		panic("request type " + requestType + " has two handlers")
	}
	handlers[requestType] = handler
}

// OnLifecycle serves a lifecycle operation such as BeforeInstall. An error from it is reported to the host; a veto reason, which
// only the operations Before… may give, refuses the operation.
func OnLifecycle(operation string, handler func(event Event) (veto string, err error)) {
	On(operation+"Req", func(request *Request) Response {
		var event Event
		if err := json.Unmarshal(request.Body, &event); err != nil {
			return BadRequest(err.Error())
		}
		veto, err := handler(event)
		if err != nil {
			return InternalError(err.Error())
		}
		if veto != "" {
			return JSON(map[string]any{"ok": false, "reason": veto})
		}
		return JSON(map[string]any{"ok": true})
	})
}

// Event is what the host is about to do with the plugin, or has done.
type Event struct {
	PluginID         string         `json:"pluginId"`
	Operation        string         `json:"operation"`
	FromVersion      string         `json:"fromVersion"`
	ToVersion        string         `json:"toVersion"`
	TenantID         int            `json:"tenantId"`
	FromMode         string         `json:"fromMode"`
	ToMode           string         `json:"toMode"`
	PurgeStorageData bool           `json:"purgeStorageData"`
	FromManifest     map[string]any `json:"fromManifest"`
	ToManifest       map[string]any `json:"toManifest"`
}

func dispatch(request *Request) Response {
	requestType := strings.TrimSpace(request.RequestType)
	handler := handlers[requestType]
	switch {
	case !request.hasRoute:
		return BadRequest("Dynamic bridge request is missing route metadata")
	case requestType == "":
		return BadRequest("Dynamic bridge request is missing route request type")
	case handler == nil:
		return NotFound("Dynamic bridge route not found")
	}
	return handler(request)
}

func encodeResponse(response Response) []byte {
	out := Writer{}
	out.Int(1, int64(response.Status))
	out.Trimmed(2, response.ContentType)
	out.Lists(3, response.Headers)
	out.Blob(4, response.Body)
	if response.Code != "" {
		failure := Writer{}
		failure.Trimmed(1, response.Code)
		failure.Trimmed(2, string(response.Body))
		out.Message(5, failure.Bytes)
	}
	return out.Bytes
}

func decodeRequest(bytes []byte) (*Request, error) {
	request := &Request{}
	reader := NewReader(bytes, "bridge request")
	for reader.Next() {
		switch reader.Field {
		case 1:
			request.PluginID = reader.Text("pluginId")
		case 2:
			request.decodeRoute(reader, reader.Blob("route"))
		case 3:
			request.decodeSnapshot(reader, reader.Blob("snapshot"))
		case 4:
			request.Identity = decodeIdentity(reader, reader.Blob("identity"))
		case 5:
			request.RequestID = reader.Text("requestId")
		default:
			reader.Skip()
		}
	}
	return request, reader.Err
}

func (request *Request) decodeRoute(outer *Reader, bytes []byte) {
	request.hasRoute = true
	request.RoutePath, request.Access, request.Permission, request.RequestType = "", "", "", ""
	request.Params, request.Query = map[string]string{}, map[string][]string{}
	reader := NewReader(bytes, "route snapshot")
	for reader.Next() {
		switch reader.Field {
		case 1:
			request.Method = reader.Text("method")
		case 2:
			request.PublicPath = reader.Text("publicPath")
		case 3:
			request.InternalPath = reader.Text("internalPath")
		case 4:
			request.RoutePath = reader.Text("routePath")
		case 5:
			request.Access = reader.Text("access")
		case 6:
			request.Permission = reader.Text("permission")
		case 7:
			request.RequestType = reader.Text("requestType")
		case 8:
			addText(reader, "pathParams", request.Params)
		case 9:
			addList(reader, "queryValues", request.Query)
		default:
			reader.Skip()
		}
	}
	outer.adopt(reader)
}

func (request *Request) decodeSnapshot(outer *Reader, bytes []byte) {
	request.Headers, request.Cookies, request.Body = map[string][]string{}, map[string]string{}, nil
	texts := map[int]*string{
		1: &request.Method, 2: &request.PublicPath, 3: &request.InternalPath, 4: &request.RawPath, 5: &request.RawQuery,
		6: &request.Host, 7: &request.Scheme, 8: &request.RemoteAddr, 9: &request.ClientIP, 10: &request.ContentType,
	}
	reader := NewReader(bytes, "request snapshot")
	for reader.Next() {
		switch text := texts[reader.Field]; {
		case text != nil:
			*text = reader.Text(snapshotFields[reader.Field])
		case reader.Field == 11:
			addList(reader, "headers", request.Headers)
		case reader.Field == 12:
			addText(reader, "cookies", request.Cookies)
		case reader.Field == 13:
			request.Body = reader.Blob("body")
		default:
			reader.Skip()
		}
	}
	outer.adopt(reader)
}

var snapshotFields = []string{
	"", "method", "publicPath", "internalPath", "rawPath", "rawQuery", "host", "scheme", "remoteAddr", "clientIp", "contentType",
}

func decodeIdentity(outer *Reader, bytes []byte) *Identity {
	identity := &Identity{}
	reader := NewReader(bytes, "identity snapshot")
	for reader.Next() {
		switch reader.Field {
		case 1:
			identity.TokenID = reader.Text("tokenId")
		case 2:
			identity.UserID = reader.Int32("userId")
		case 3:
			identity.Username = reader.Text("username")
		case 4:
			identity.Status = reader.Int32("status")
		case 5:
			identity.Permissions = append(identity.Permissions, reader.Text("permissions"))
		case 6:
			identity.RoleNames = append(identity.RoleNames, reader.Text("roleNames"))
		case 7:
			identity.IsSuperAdmin = reader.Bool("isSuperAdmin")
		case 8:
			identity.DataScope = reader.Int32("dataScope")
		case 9:
			identity.DataScopeUnsupported = reader.Bool("dataScopeUnsupported")
		case 10:
			identity.UnsupportedDataScope = reader.Int32("unsupportedDataScope")
		case 11:
			identity.TenantID = reader.Int32("tenantId")
		case 12:
			identity.ActingUserID = reader.Int32("actingUserId")
		case 13:
			identity.ActingAsTenant = reader.Bool("actingAsTenant")
		case 14:
			identity.IsImpersonation = reader.Bool("isImpersonation")
		default:
			reader.Skip()
		}
	}
	outer.adopt(reader)
	return identity
}

func addText(reader *Reader, name string, texts map[string]string) {
	if key, values, ok := reader.Entry(name, "string map entry"); ok {
		texts[key] = ""
		if len(values) > 0 {
			texts[key] = values[len(values)-1]
		}
	}
}

func addList(reader *Reader, name string, lists map[string][]string) {
	if key, values, ok := reader.Entry(name, "string list entry"); ok {
		lists[key] = values
	}
}
