package lina

import (
	"encoding/json"
	"net/textproto"
)

// NetworkResponse is the answer of another server. Headers have their first value each.
type NetworkResponse struct {
	Status      int
	Headers     map[string]string
	ContentType string
	Body        []byte
}

// NetworkRequest sends a request to a URL that plugin.yaml declares. Any status is an answer; only what gave none is an error. At
// most 2 MiB go each way.
func NetworkRequest(method, url string, headers map[string]string, body []byte) (NetworkResponse, error) {
	payload := Writer{}
	payload.Text(1, method)
	payload.Texts(2, headers)
	payload.Blob(3, body)
	reply, err := Invoke(Call{Service: "network", Method: "request", ResourceRef: url, Payload: payload.Bytes})
	response := NetworkResponse{Headers: map[string]string{}}
	reader := NewReader(reply, "network response")
	for err == nil && reader.Next() {
		switch reader.Field {
		case 1:
			response.Status = int(reader.Int32("statusCode"))
		case 2:
			addText(reader, "headers", response.Headers)
		case 3:
			response.Body = reader.Blob("body")
		case 4:
			response.ContentType = reader.Text("contentType")
		default:
			reader.Skip()
		}
	}
	if err == nil {
		err = reader.Err
	}
	return response, err
}

func NetworkGet(url string) (NetworkResponse, error) { return NetworkRequest("GET", url, nil, nil) }

// NetworkPostJSON posts a value as JSON; a Content-Type among the headers wins.
func NetworkPostJSON(url string, value any, headers map[string]string) (NetworkResponse, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return NetworkResponse{}, err
	}
	all := map[string]string{"Content-Type": "application/json"}
	for name, value := range headers {
		if textproto.CanonicalMIMEHeaderKey(name) == "Content-Type" {
			delete(all, "Content-Type")
		}
		all[name] = value
	}
	return NetworkRequest("POST", url, all, body)
}
