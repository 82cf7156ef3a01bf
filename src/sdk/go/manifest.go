package lina

import "strings"

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

// ManifestGetMany gives up to 100 files; missing ones are left out. The grant must cover the directory that they have in common.
func ManifestGetMany(paths []string) (map[string][]byte, error) {
	var reply struct {
		Resources []struct {
			Path string
			Body []byte
		}
	}
	call := Call{Service: "manifest", Method: "get_many", ResourceRef: commonPath(paths)}
	err := InvokeJSON(call, pathsOf{paths}, &reply)
	files := map[string][]byte{}
	for _, resource := range reply.Resources {
		files[resource.Path] = resource.Body
	}
	return files, err
}

// ManifestFile is a file of the plugin's manifest/ folder.
type ManifestFile struct {
	Path string
	Size int64
}

// ManifestList gives the files under a directory, sorted by path; limit 0 means the host's default of 100.
func ManifestList(prefix string, limit int) ([]ManifestFile, error) {
	argument := struct {
		Prefix string `json:"prefix"`
		Limit  int    `json:"limit,omitempty"`
	}{prefix, limit}
	probe := strings.TrimSuffix(prefix, "/") + "/"
	if prefix == "" {
		probe = ""
	}
	var reply struct{ Resources []ManifestFile }
	call := Call{Service: "manifest", Method: "list", ResourceRef: probe + ".manifest-list-probe"}
	err := InvokeJSON(call, argument, &reply)
	return reply.Resources, err
}

// commonPath is what the grant of a batch is checked against: the only path, or the longest directory that all share.
func commonPath(paths []string) string {
	if len(paths) == 0 {
		return ""
	}
	common, same := paths[0], true
	for _, path := range paths[1:] {
		same = same && path == paths[0]
		for common != "" && !strings.HasPrefix(path, common) {
			common = parentPath(common)
		}
		if common != "" && !strings.HasSuffix(common, "/") && path != common {
			common = parentPath(common)
		}
	}
	if same || strings.HasSuffix(common, "/") {
		return common
	}
	return parentPath(common)
}

// parentPath makes a/b/ of a/b/c and of a/b/c/, and nothing of a.
func parentPath(path string) string {
	return path[:strings.LastIndex(strings.TrimSuffix(path, "/"), "/")+1]
}
