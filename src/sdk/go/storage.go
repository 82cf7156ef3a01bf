package lina

// StorageObject is what the host knows of a stored file. UpdatedAt is such as 2026-04-14T10:00:00Z.
type StorageObject struct {
	Path        string
	Size        int64
	ContentType string
	UpdatedAt   string
	Visibility  string
}

// storagePiece is the size of the pieces that a larger body travels in.
const storagePiece = 1 << 20

// StoragePut stores a file of the plugin; its path must lie under one that plugin.yaml declares. A file that is there stays, and
// the error is PLUGIN_STORAGE_OBJECT_EXISTS, unless overwrite.
func StoragePut(path string, body []byte, contentType string, overwrite bool) (StorageObject, error) {
	if len(body) > storagePiece {
		return putInPieces(path, body, contentType, overwrite)
	}
	payload := Writer{}
	payload.Text(1, path)
	payload.Blob(2, body)
	payload.Text(3, contentType)
	payload.Bool(4, overwrite)
	return storedObject(askStorage("put", path, payload))
}

// Upload is a file that is stored piece by piece. It appears with Commit; forget it with Abort.
type Upload struct {
	Path, ID string
	// Size is the number of bytes written so far.
	Size int64
}

func StorageBegin(path, contentType string, overwrite bool) (*Upload, error) {
	payload := Writer{}
	payload.Text(1, path)
	payload.Text(2, contentType)
	payload.Bool(3, overwrite)
	id, _, err := foundText(askStorage("put.init", path, payload))
	return &Upload{Path: path, ID: id}, err
}

// Append writes the next 1 byte to 4 MiB.
func (u *Upload) Append(piece []byte) error {
	payload := u.payload()
	payload.Int(3, u.Size)
	payload.Blob(4, piece)
	reply, err := askStorage("put.chunk", u.Path, payload)
	if err != nil {
		return err
	}
	reader := NewReader(reply, "storage put chunk response")
	for reader.Next() {
		switch reader.Field {
		case 1:
			u.Size = int64(reader.Uint("nextOffset"))
		default:
			reader.Skip()
		}
	}
	return reader.Err
}

func (u *Upload) Commit() (StorageObject, error) {
	payload := u.payload()
	payload.Int(3, u.Size)
	return storedObject(askStorage("put.commit", u.Path, payload))
}

func (u *Upload) Abort() error {
	_, err := askStorage("put.abort", u.Path, u.payload())
	return err
}

func (u *Upload) payload() Writer {
	payload := Writer{}
	payload.Text(1, u.Path)
	payload.Text(2, u.ID)
	return payload
}

// StorageGet gives a file with its body; false when there is none.
func StorageGet(path string) (StorageObject, []byte, bool, error) {
	return foundObject(askStorage("get", path, onePath(path)))
}

// StorageStat gives what is known of a file; false when there is none.
func StorageStat(path string) (StorageObject, bool, error) {
	object, _, found, err := foundObject(askStorage("stat", path, onePath(path)))
	return object, found, err
}

// StorageStatMany gives what is known of up to 100 files, by path; missing ones are left out.
func StorageStatMany(paths []string) (map[string]StorageObject, error) {
	var reply struct{ Objects []StorageObject }
	call := Call{Service: "storage", Method: "stat.batch", ResourceRef: commonPath(paths)}
	err := InvokeJSON(call, pathsOf{paths}, &reply)
	objects := map[string]StorageObject{}
	for _, object := range reply.Objects {
		objects[object.Path] = object
	}
	return objects, err
}

// StorageList gives the files under a directory, or the one of that path, sorted by path; limit 0 means the host's default of 100.
func StorageList(prefix string, limit uint32) ([]StorageObject, error) {
	payload := onePath(prefix)
	payload.Int(2, int64(limit))
	reply, err := askStorage("list", prefix, payload)
	if err != nil {
		return nil, err
	}
	var objects []StorageObject
	reader := NewReader(reply, "storage list response")
	for reader.Next() {
		switch reader.Field {
		case 1:
			objects = append(objects, takeObject(reader))
		default:
			reader.Skip()
		}
	}
	return objects, reader.Err
}

// StorageListPage is StorageList page by page: give the cursor of a page to get the next; it is empty at the end.
func StorageListPage(prefix, cursor string, limit int) ([]StorageObject, string, error) {
	argument := struct {
		Prefix string `json:"prefix"`
		Cursor string `json:"cursor,omitempty"`
		Limit  int    `json:"limit,omitempty"`
	}{prefix, cursor, limit}
	var reply struct {
		Objects    []StorageObject
		NextCursor string
	}
	err := InvokeJSON(Call{Service: "storage", Method: "list.cursor", ResourceRef: prefix}, argument, &reply)
	return reply.Objects, reply.NextCursor, err
}

// StorageDelete deletes a file; it is no error when there is none.
func StorageDelete(path string) error {
	_, err := askStorage("delete", path, onePath(path))
	return err
}

// StorageDeleteMany deletes up to 100 files.
func StorageDeleteMany(paths []string) error {
	call := Call{Service: "storage", Method: "delete.batch", ResourceRef: commonPath(paths)}
	return InvokeJSON(call, pathsOf{paths}, nil)
}

func putInPieces(path string, body []byte, contentType string, overwrite bool) (StorageObject, error) {
	upload, err := StorageBegin(path, contentType, overwrite)
	for err == nil && len(body) > 0 {
		size := min(storagePiece, len(body))
		if err = upload.Append(body[:size]); err != nil {
			upload.Abort()
		}
		body = body[size:]
	}
	if err != nil {
		return StorageObject{}, err
	}
	return upload.Commit()
}

func askStorage(method, path string, payload Writer) ([]byte, error) {
	return Invoke(Call{Service: "storage", Method: method, ResourceRef: path, Payload: payload.Bytes})
}

func onePath(path string) Writer {
	payload := Writer{}
	payload.Text(1, path)
	return payload
}

// storedObject reads {1: object}.
func storedObject(bytes []byte, err error) (object StorageObject, _ error) {
	reader := NewReader(bytes, "storage put response")
	for err == nil && reader.Next() {
		switch reader.Field {
		case 1:
			object = takeObject(reader)
		default:
			reader.Skip()
		}
	}
	if err == nil {
		err = reader.Err
	}
	return object, err
}

// foundObject reads {1: found, 2: object, 3: body}.
func foundObject(bytes []byte, err error) (object StorageObject, body []byte, found bool, _ error) {
	reader := NewReader(bytes, "storage get response")
	for err == nil && reader.Next() {
		switch reader.Field {
		case 1:
			found = reader.Bool("found")
		case 2:
			object = takeObject(reader)
		case 3:
			body = reader.Blob("body")
		default:
			reader.Skip()
		}
	}
	if err == nil {
		err = reader.Err
	}
	return object, body, found, err
}

func takeObject(outer *Reader) (object StorageObject) {
	reader := NewReader(outer.Blob("object"), "storage object")
	for reader.Next() {
		switch reader.Field {
		case 1:
			object.Path = reader.Text("path")
		case 2:
			object.Size = int64(reader.Uint("size"))
		case 3:
			object.ContentType = reader.Text("contentType")
		case 4:
			object.UpdatedAt = reader.Text("updatedAt")
		case 5:
			object.Visibility = reader.Text("visibility")
		default:
			reader.Skip()
		}
	}
	outer.adopt(reader)
	return object
}
