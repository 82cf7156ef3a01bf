package lina

// CacheValue is a short-lived value. When CacheIncr made it, IsInteger is true, and Text is empty.
type CacheValue struct {
	IsInteger bool
	Text      string
	Integer   int64
	// ExpireAt is such as 2026-04-15T12:05:00Z.
	ExpireAt string
}

// CacheGet gives a value of a cache that plugin.yaml declares as ref; false when there is none. The host may forget one at any time.
func CacheGet(ref, key string) (CacheValue, bool, error) {
	return cacheValue(askCache("get", ref, cacheKey(key)))
}

// CacheGetMany gives the values of up to 100 keys; keys that are not there are left out.
func CacheGetMany(ref string, keys []string) (map[string]CacheValue, error) {
	return cacheValues("get_many", ref, keysOf{keys})
}

// CacheSet keeps a text of at most 4096 bytes for so many seconds, at least 1.
func CacheSet(ref, key, text string, seconds int64) (CacheValue, error) {
	payload := cacheKey(key)
	payload.Text(2, text)
	payload.Int(3, seconds)
	return madeValue(askCache("set", ref, payload))
}

// CacheSetMany keeps many texts; should one fail, those before it are kept.
func CacheSetMany(ref string, texts map[string]string, seconds int64) (map[string]CacheValue, error) {
	type item struct {
		Key           string `json:"key"`
		Value         string `json:"value"`
		ExpireSeconds int64  `json:"expireSeconds"`
	}
	items := []item{}
	for _, key := range sortedKeys(texts) {
		items = append(items, item{key, texts[key], seconds})
	}
	return cacheValues("set_many", ref, map[string]any{"items": items})
}

// CacheDelete deletes a value; it is no error when there is none.
func CacheDelete(ref, key string) error {
	_, err := askCache("delete", ref, cacheKey(key))
	return err
}

func CacheDeleteMany(ref string, keys []string) error {
	return InvokeJSON(Call{Service: "cache", Method: "delete_many", ResourceRef: ref}, keysOf{keys}, nil)
}

// CacheIncr adds to an integer, which begins at 0, and keeps it for so many seconds from now. Nobody can come in between.
func CacheIncr(ref, key string, delta, seconds int64) (CacheValue, error) {
	payload := cacheKey(key)
	payload.Int(2, delta)
	payload.Int(3, seconds)
	return madeValue(askCache("incr", ref, payload))
}

// CacheExpire keeps a value for so many seconds from now and tells when it ends; false when there is no such value.
func CacheExpire(ref, key string, seconds int64) (expireAt string, found bool, err error) {
	payload := cacheKey(key)
	payload.Int(2, seconds)
	reply, err := askCache("expire", ref, payload)
	reader := NewReader(reply, "cache expire response")
	for err == nil && reader.Next() {
		switch reader.Field {
		case 1:
			found = reader.Bool("found")
		case 2:
			expireAt = reader.Text("expireAt")
		default:
			reader.Skip()
		}
	}
	if err == nil {
		err = reader.Err
	}
	return expireAt, found, err
}

func askCache(method, ref string, payload Writer) ([]byte, error) {
	return Invoke(Call{Service: "cache", Method: method, ResourceRef: ref, Payload: payload.Bytes})
}

func cacheKey(key string) Writer {
	payload := Writer{}
	payload.Text(1, key)
	return payload
}

const cacheInteger = 2

// cacheValue reads {1: found, 2: value}.
func cacheValue(bytes []byte, err error) (value CacheValue, found bool, _ error) {
	reader := NewReader(bytes, "cache get response")
	for err == nil && reader.Next() {
		switch reader.Field {
		case 1:
			found = reader.Bool("found")
		case 2:
			value = takeValue(reader)
		default:
			reader.Skip()
		}
	}
	if err == nil {
		err = reader.Err
	}
	return value, found, err
}

// madeValue reads {1: value}.
func madeValue(bytes []byte, err error) (value CacheValue, _ error) {
	reader := NewReader(bytes, "cache set response")
	for err == nil && reader.Next() {
		switch reader.Field {
		case 1:
			value = takeValue(reader)
		default:
			reader.Skip()
		}
	}
	if err == nil {
		err = reader.Err
	}
	return value, err
}

func takeValue(outer *Reader) (value CacheValue) {
	reader := NewReader(outer.Blob("value"), "cache value")
	for reader.Next() {
		switch reader.Field {
		case 1:
			value.IsInteger = reader.Int32("kind") == cacheInteger
		case 2:
			value.Text = reader.Text("string")
		case 3:
			value.Integer = int64(reader.Uint("intValue"))
		case 4:
			value.ExpireAt = reader.Text("expireAt")
		default:
			reader.Skip()
		}
	}
	outer.adopt(reader)
	return value
}

func cacheValues(method, ref string, argument any) (map[string]CacheValue, error) {
	var reply struct {
		Items map[string]struct {
			ValueKind int
			Value     string
			IntValue  int64
			ExpireAt  string
		}
	}
	err := InvokeJSON(Call{Service: "cache", Method: method, ResourceRef: ref}, argument, &reply)
	values := map[string]CacheValue{}
	for key, item := range reply.Items {
		values[key] = CacheValue{item.ValueKind == cacheInteger, item.Value, item.IntValue, item.ExpireAt}
	}
	return values, err
}
