package lina

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// HostError is a host call that failed. Status: 1 not granted, 2 not found, 3 invalid request or business error, 4 internal.
type HostError struct {
	Status  uint32
	Payload string
}

func (e *HostError) Error() string {
	return fmt.Sprintf("host call error (status=%d): %s", e.Status, e.Payload)
}

// Call names a method of a service, and what the grant is checked against.
type Call struct {
	Service, Method, ResourceRef, Table string
	Payload                             []byte
	Owner, Version                      string
}

// Invoke asks any service; payload and reply are the service's own messages.
func Invoke(call Call) ([]byte, error) {
	out := Writer{}
	out.Trimmed(1, call.Service)
	out.Trimmed(2, call.Method)
	out.Trimmed(3, call.ResourceRef)
	out.Trimmed(4, call.Table)
	out.Blob(5, call.Payload)
	out.Trimmed(6, call.Owner)
	out.Trimmed(7, call.Version)
	return decodeReply(callHost(out.Bytes))
}

func decodeReply(bytes []byte) ([]byte, error) {
	var status uint32
	var payload []byte
	reader := NewReader(bytes, "host call response")
	for reader.Next() {
		switch reader.Field {
		case 1:
			status = uint32(reader.Uint("status"))
		case 2:
			payload = reader.Blob("payload")
		default:
			reader.Skip()
		}
	}
	if reader.Err != nil {
		return nil, reader.Err
	}
	if status != 0 {
		return nil, &HostError{status, string(payload)}
	}
	return payload, nil
}

// Log writes a line to the host's log. Levels: 1 debug, 2 info, 3 warning, 4 error.
func Log(level int, message string, fields map[string]string) error {
	payload := Writer{}
	payload.Int(1, int64(level))
	payload.Trimmed(2, message)
	lists := map[string][]string{}
	for key, value := range fields {
		lists[key] = []string{value}
	}
	payload.Lists(3, lists)
	_, err := Invoke(Call{Service: "runtime", Method: "log.write", Payload: payload.Bytes})
	return err
}

// StateGet gives a text that outlives the request; false when there is none.
func StateGet(key string) (string, bool, error) {
	return foundText(Invoke(Call{Service: "runtime", Method: "state.get", Payload: text(key)}))
}

func StateSet(key, value string) error {
	payload := Writer{}
	payload.Trimmed(1, key)
	payload.Text(2, value)
	_, err := Invoke(Call{Service: "runtime", Method: "state.set", Payload: payload.Bytes})
	return err
}

func StateDelete(key string) error {
	_, err := Invoke(Call{Service: "runtime", Method: "state.delete", Payload: text(key)})
	return err
}

// Now gives milliseconds since 1970.
func Now() (int64, error) {
	value, err := info("info.now")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(value, 10, 64)
}

// UUID gives a new id of 32 lower-case letters and digits.
func UUID() (string, error) { return info("info.uuid") }

// Node gives the name of the machine that runs the host.
func Node() (string, error) { return info("info.node") }

// ManifestGet gives a file of the plugin's manifest/ folder, by path relative to it; false when it is missing or empty.
func ManifestGet(path string) ([]byte, bool, error) {
	bytes, err := Invoke(Call{Service: "manifest", Method: "get", ResourceRef: path, Payload: text(path)})
	if err != nil {
		return nil, false, err
	}
	var found bool
	var body []byte
	reader := NewReader(bytes, "host service manifest get response")
	for reader.Next() {
		switch reader.Field {
		case 1:
			found = reader.Bool("found")
		case 2:
			body = reader.Blob("body")
		default:
			reader.Skip()
		}
	}
	return body, found, reader.Err
}

// Config reads one of the plugin's own settings into value, which is left alone when the setting is missing.
func Config(key string, value any) error {
	return setting(Call{Service: "plugins", Method: "config.get", Payload: text(key)}, value)
}

// HostConfig reads one of the host's settings into value; the key must be declared in plugin.yaml.
func HostConfig(key string, value any) error {
	return setting(Call{Service: "hostconfig", Method: "get", ResourceRef: key, Payload: text(key)}, value)
}

func setting(call Call, value any) error {
	text, found, err := foundText(Invoke(call))
	if err != nil || !found {
		return err
	}
	return json.Unmarshal([]byte(text), value)
}

func info(method string) (string, error) {
	value, _, err := foundText(Invoke(Call{Service: "runtime", Method: method}))
	return value, err
}

func text(value string) []byte {
	payload := Writer{}
	payload.Trimmed(1, value)
	return payload.Bytes
}

// foundText reads {1: text, 2: found}.
func foundText(bytes []byte, err error) (string, bool, error) {
	value, found := "", false
	reader := NewReader(bytes, "host service response")
	for err == nil && reader.Next() {
		switch reader.Field {
		case 1:
			value = reader.Text("value")
		case 2:
			found = reader.Bool("found")
		default:
			reader.Skip()
		}
	}
	if err == nil {
		err = reader.Err
	}
	return value, found, err
}
