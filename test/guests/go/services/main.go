// The answers of services.ts beside it, given by the Go clients: what they send and what they make of the reply.
package main

import (
	"encoding/json"
	"errors"
	"sort"

	"example.com/services/lina"
)

func main() {}

var services = map[string]map[string]func(request *lina.Request) (any, error){
	"StorageReq": storage, "NetworkReq": network, "DataReq": data, "CacheReq": cache, "LockReq": lock, "JobsReq": jobs,
	"NotificationsReq": notifications, "HostconfigReq": hostconfig, "PluginsReq": plugins, "RuntimeReq": runtime,
	"ManifestReq": manifest,
}

func init() {
	for requestType, calls := range services {
		lina.On(requestType, func(request *lina.Request) lina.Response {
			call := calls[first(request.Query["call"])]
			if call == nil {
				return lina.NotFound(first(request.Query["call"]))
			}
			value, err := call(request)
			if err != nil {
				return lina.JSON(refusal(err))
			}
			return lina.JSON(value)
		})
	}
	heartbeat := lina.Job{
		Name: "heartbeat", Pattern: "# */10 * * * *", DisplayName: "Dynamic Plugin Heartbeat",
		Description: "Runs a dynamic plugin heartbeat.", Timezone: "Asia/Shanghai", Scope: "all_node", Concurrency: "singleton",
		MaxConcurrency: 1, TimeoutSeconds: 30, InternalPath: "/job-heartbeat",
	}
	lina.OnJob(heartbeat, "JobHeartbeatReq", func(*lina.Request) lina.Response { return lina.JSON("beat") })
	nightly := lina.Job{Name: "nightly", Pattern: "0 3 * * *"}
	lina.OnJob(nightly, "NightlyReq", func(*lina.Request) lina.Response { return lina.JSON("night") })
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func refusal(err error) any {
	var told *lina.HostError
	if errors.As(err, &told) {
		return map[string]any{"status": told.Status, "message": told.Message()}
	}
	return map[string]any{"status": 4, "message": err.Error()}
}

type calls = map[string]func(request *lina.Request) (any, error)

type list = []any

// done is the answer of a method that answers nothing.
func done(err error) (any, error) { return true, err }

const demo = "reports/demo.json"

var storage = calls{
	"put": func(request *lina.Request) (any, error) {
		return object(lina.StoragePut(demo, request.Body, "application/json", true))
	},
	"putText": func(*lina.Request) (any, error) {
		return object(lina.StoragePut("reports/a.txt", []byte("é"), "text/plain", false))
	},
	"get": func(*lina.Request) (any, error) {
		found, body, ok, err := lina.StorageGet(demo)
		if err != nil || !ok {
			return nil, err
		}
		return list{objectOf(found), string(body)}, nil
	},
	"getText": func(*lina.Request) (any, error) {
		_, body, ok, err := lina.StorageGet(demo)
		if err != nil || !ok {
			return nil, err
		}
		return string(body), nil
	},
	"stat": func(*lina.Request) (any, error) {
		found, ok, err := lina.StorageStat(demo)
		if err != nil || !ok {
			return nil, err
		}
		return objectOf(found), nil
	},
	"statMany": func(*lina.Request) (any, error) {
		objects, err := lina.StorageStatMany([]string{"reports/a.json", "reports/b.json"})
		all := list{}
		for _, found := range objects {
			all = append(all, objectOf(found))
		}
		return all, err
	},
	"list": func(*lina.Request) (any, error) {
		objects, err := lina.StorageList("reports/", 10)
		return objectList(objects), err
	},
	"listPage": func(request *lina.Request) (any, error) {
		objects, cursor, err := lina.StorageListPage("reports/", first(request.Query["cursor"]), 1)
		return append(objectList(objects), cursor), err
	},
	"delete": func(*lina.Request) (any, error) { return done(lina.StorageDelete(demo)) },
	"deleteMany": func(*lina.Request) (any, error) {
		return done(lina.StorageDeleteMany([]string{"reports/a.json", "reports/b.json", "reports/a.json"}))
	},
	"upload": func(*lina.Request) (any, error) {
		upload, err := lina.StorageBegin("reports/big.bin", "application/octet-stream", true)
		if err != nil {
			return nil, err
		}
		for _, piece := range []string{"hello ", "world"} {
			if err := upload.Append([]byte(piece)); err != nil {
				return nil, err
			}
		}
		return object(upload.Commit())
	},
	"abort": func(*lina.Request) (any, error) {
		upload, err := lina.StorageBegin("reports/big.bin", "application/octet-stream", true)
		if err != nil {
			return nil, err
		}
		return done(upload.Abort())
	},
}

func object(found lina.StorageObject, err error) (any, error) { return objectOf(found), err }

func objectOf(found lina.StorageObject) any {
	return list{list{found.Path, found.ContentType, found.UpdatedAt, found.Visibility}, found.Size}
}

func objectList(objects []lina.StorageObject) list {
	all := list{}
	for _, found := range objects {
		all = append(all, objectOf(found))
	}
	return all
}

const orders = "https://foo.bar.example.com/api/orders?id=1"

var network = calls{
	"get": func(*lina.Request) (any, error) { return answered(lina.NetworkGet(orders)) },
	"request": func(request *lina.Request) (any, error) {
		headers := map[string]string{"content-type": "application/json"}
		return answered(lina.NetworkRequest("POST", orders, headers, request.Body))
	},
	"postJson": func(*lina.Request) (any, error) {
		return answered(lina.NetworkPostJSON(orders, map[string]string{"name": "ticket"}, nil))
	},
	"postJson with type": func(*lina.Request) (any, error) {
		headers := map[string]string{"content-type": "application/json"}
		return answered(lina.NetworkPostJSON(orders, map[string]string{}, headers))
	},
}

func answered(response lina.NetworkResponse, err error) (any, error) {
	var value any
	json.Unmarshal(response.Body, &value)
	ok := response.Status >= 200 && response.Status < 300
	kind := response.Headers["Content-Type"]
	return list{response.Status, ok, response.ContentType, string(response.Body), kind, value}, err
}

const table = lina.Table("plugin_demo_dynamic_record")

var data = calls{
	"list": func(*lina.Request) (any, error) {
		query := table.Where("tenantId", 0).WhereLike("title", "adv-").WhereIn("id", "a", "b").Select("id", "title")
		return records(query.OrderBy("id", "desc").Page(1, 10))
	},
	"list all":   func(*lina.Request) (any, error) { return records(table.Query()) },
	"where null": func(*lina.Request) (any, error) { return records(table.Where("title", nil)) },
	"first": func(*lina.Request) (any, error) {
		var record any
		_, err := table.Query().First(&record)
		return record, err
	},
	"count": func(*lina.Request) (any, error) { return table.Query().Count() },
	"get": func(*lina.Request) (any, error) {
		var record any
		_, err := table.Get("a", &record)
		return record, err
	},
	"getMany": func(*lina.Request) (any, error) {
		found := list{}
		err := table.GetMany(list{1, 999999}, []string{"currentState"}, &found)
		return found, err
	},
	"create": func(*lina.Request) (any, error) { return change(table.Create(note{"a", "adv-1"})) },
	"update": func(*lina.Request) (any, error) { return change(table.Update("a", map[string]string{"title": "new"})) },
	"delete": func(*lina.Request) (any, error) { return change(table.Delete("a")) },
	"transaction": func(*lina.Request) (any, error) {
		changes, rows, err := table.Transaction().Create(map[string]string{"name": "alpha"}).Delete(2).Commit()
		all := list{rows}
		for _, made := range changes {
			all = append(all, changeOf(made))
		}
		return all, err
	},
}

type note struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

func records(query *lina.Query) (any, error) {
	found := list{}
	total, err := query.List(&found)
	return append(found, total), err
}

func change(made lina.Change, err error) (any, error) { return changeOf(made), err }

func changeOf(made lina.Change) any { return list{made.Rows, made.Key} }

const pages = "host-call-demo-cache"

var cache = calls{
	"set": func(*lina.Request) (any, error) {
		return value(lina.CacheSet(pages, "profile", `{"enabled":true}`, 300))
	},
	"get": func(*lina.Request) (any, error) {
		found, ok, err := lina.CacheGet(pages, "profile")
		if err != nil || !ok {
			return nil, err
		}
		return valueOf(found), nil
	},
	"getText": func(*lina.Request) (any, error) {
		found, _, err := lina.CacheGet(pages, "profile")
		return found.Text, err
	},
	"incr":      func(*lina.Request) (any, error) { return value(lina.CacheIncr(pages, "counter", 5, 60)) },
	"incr down": func(*lina.Request) (any, error) { return value(lina.CacheIncr(pages, "counter", -2, 60)) },
	"expire": func(*lina.Request) (any, error) {
		expireAt, found, err := lina.CacheExpire(pages, "counter", 30)
		if err != nil || !found {
			return nil, err
		}
		return expireAt, nil
	},
	"getMany": func(*lina.Request) (any, error) { return values(lina.CacheGetMany(pages, []string{"a", "b"})) },
	"setMany": func(*lina.Request) (any, error) {
		return values(lina.CacheSetMany(pages, map[string]string{"a": "A", "b": "B"}, 60))
	},
	"delete":     func(*lina.Request) (any, error) { return done(lina.CacheDelete(pages, "a")) },
	"deleteMany": func(*lina.Request) (any, error) { return done(lina.CacheDeleteMany(pages, []string{"a", "b"})) },
}

func value(made lina.CacheValue, err error) (any, error) { return valueOf(made), err }

func valueOf(made lina.CacheValue) any {
	return list{made.IsInteger, made.Text, made.Integer, made.ExpireAt}
}

func values(found map[string]lina.CacheValue, err error) (any, error) {
	all := map[string]any{}
	for key, made := range found {
		all[key] = valueOf(made)
	}
	return all, err
}

var lock = calls{
	"acquire": func(*lina.Request) (any, error) {
		lease, err := lina.LockAcquire("sync", 5000)
		if err != nil || lease == nil {
			return nil, err
		}
		return list{lease.Ref, lease.Ticket, lease.ExpireAt}, nil
	},
	"renew": func(*lina.Request) (any, error) {
		lease := &lina.Lease{Ref: "sync", Ticket: "ticket-2"}
		err := lease.Renew()
		return lease.ExpireAt, err
	},
	"release": func(*lina.Request) (any, error) {
		return done((&lina.Lease{Ref: "sync", Ticket: "ticket-2"}).Release())
	},
}

var jobs = calls{
	"getMany": func(*lina.Request) (any, error) {
		found, err := lina.JobsGetMany([]string{"7", "8"})
		return jobOf(found["7"]), err
	},
	"list": func(*lina.Request) (any, error) {
		query := lina.JobQuery{Keyword: "clean", Group: "2", Status: "enabled", PageNum: 1, PageSize: 5}
		found, total, err := lina.JobsList(query)
		if err != nil {
			return nil, err
		}
		return list{total, jobOf(found[0])}, nil
	},
	"ensureVisible": func(*lina.Request) (any, error) { return done(lina.JobsEnsureVisible([]string{"7"})) },
	"create":        func(*lina.Request) (any, error) { return lina.JobsCreate(map[string]any{"Name": "clean"}) },
	"update":        func(*lina.Request) (any, error) { return done(lina.JobsUpdate("7", map[string]any{"Name": "clean"})) },
	"delete":        func(*lina.Request) (any, error) { return done(lina.JobsDelete("7")) },
	"run":           func(*lina.Request) (any, error) { return done(lina.JobsRun("7")) },
	"setStatus":     func(*lina.Request) (any, error) { return done(lina.JobsSetStatus("7", "disabled")) },
}

func jobOf(job lina.HostJob) any { return list{job.ID, job.Name, job.Group, job.Status} }

var notifications = calls{
	"send": func(*lina.Request) (any, error) {
		return sent(lina.NotificationsSend("inbox", lina.Notification{
			Title: "Title", Content: "Body", SourceType: "plugin", SourceID: "src-1", CategoryCode: "other",
			Payload: map[string]string{"k": "v"},
		}))
	},
	"send to": func(*lina.Request) (any, error) {
		message := lina.Notification{Title: "T", Content: "C", RecipientUserIDs: []int64{7, 300}}
		return sent(lina.NotificationsSend("inbox", message))
	},
	"getMany": func(*lina.Request) (any, error) {
		found, err := lina.MessagesGetMany([]string{"1", "2"})
		return messageOf(found["1"]), err
	},
	"list": func(*lina.Request) (any, error) {
		query := lina.MessageQuery{SourceType: "plugin", SourceID: "s", CategoryCode: "c", PageNum: 2, PageSize: 5}
		found, total, err := lina.MessagesList(query)
		if err != nil {
			return nil, err
		}
		return list{total, messageOf(found[0])}, nil
	},
	"bySource": func(*lina.Request) (any, error) {
		found, err := lina.MessagesBySource("plugin", []string{"s"})
		if err != nil {
			return nil, err
		}
		return messageOf(found["s"][0]), nil
	},
	"ensureVisible":  func(*lina.Request) (any, error) { return done(lina.MessagesEnsureVisible([]string{"1"})) },
	"delete":         func(*lina.Request) (any, error) { return done(lina.MessagesDelete([]string{"1"})) },
	"deleteBySource": func(*lina.Request) (any, error) { return done(lina.MessagesDeleteBySource("plugin", []string{"s"})) },
	"markRead":       func(*lina.Request) (any, error) { return done(lina.MessagesMarkRead([]string{"1"})) },
	"markUnread":     func(*lina.Request) (any, error) { return done(lina.MessagesMarkUnread([]string{"1"})) },
}

func sent(messageID int64, deliveryCount int32, err error) (any, error) {
	return list{messageID, deliveryCount}, err
}

func messageOf(m lina.Message) any {
	texts := list{m.ID, m.PluginID, m.SourceType, m.SourceID, m.CategoryCode, m.Title}
	return list{texts, m.TenantID, m.CreatedAt}
}

const flag = "demo.flag"

var hostconfig = calls{
	"get": func(*lina.Request) (any, error) {
		told, err := lina.SystemParameterGet(flag)
		return list{list{told.Key, told.Value, told.LabelKey, told.Label}, told.SystemManageable}, err
	},
	"set":        func(*lina.Request) (any, error) { return done(lina.SystemParameterSet(flag, "on")) },
	"setManaged": func(*lina.Request) (any, error) { return done(lina.SystemParameterSetManaged(flag, "on", true)) },
	"reset":      func(*lina.Request) (any, error) { return done(lina.SystemParameterReset(flag)) },
}

var plugins = calls{
	"current": func(*lina.Request) (any, error) { return plugin(lina.CurrentPlugin()) },
	"getMany": func(*lina.Request) (any, error) {
		found, err := lina.PluginsGetMany([]string{"demo", "none"})
		return plugin(found["demo"], err)
	},
	"list": func(*lina.Request) (any, error) {
		found, total, err := lina.PluginsList(1, 5, "de")
		if err != nil {
			return nil, err
		}
		return list{total, pluginOf(found[0])}, nil
	},
	"tenantList": func(*lina.Request) (any, error) {
		found, _, err := lina.PluginsTenantList(1, 20, "")
		if err != nil {
			return nil, err
		}
		p := found[0]
		texts := list{p.ID, p.Name, p.Version, p.Type, p.Description, p.ScopeNature, p.InstallMode}
		return list{texts, list{p.Installed, p.Enabled, p.TenantEnabled}}, nil
	},
	"isEnabled":                 func(*lina.Request) (any, error) { return lina.PluginIsEnabled("demo") },
	"isProviderEnabled":         func(*lina.Request) (any, error) { return lina.PluginIsProviderEnabled("demo") },
	"isEnabledForSure":          func(*lina.Request) (any, error) { return lina.PluginIsEnabledForSure("demo") },
	"ensureTenantPluginDisable": func(*lina.Request) (any, error) { return done(lina.TenantPluginDisableEnsure("demo", 3)) },
	"tenantPluginDisabled":      func(*lina.Request) (any, error) { return done(lina.TenantPluginDisabledNotify("demo", 3)) },
	"ensureTenantDelete":        func(*lina.Request) (any, error) { return done(lina.TenantDeleteEnsure(3)) },
	"tenantDeleted":             func(*lina.Request) (any, error) { return done(lina.TenantDeletedNotify(3)) },
}

func plugin(p lina.Plugin, err error) (any, error) { return pluginOf(p), err }

func pluginOf(p lina.Plugin) any {
	return list{list{p.ID, p.Version, p.Status}, list{p.Installed, p.Enabled}}
}

var runtime = calls{
	"log": func(*lina.Request) (any, error) {
		return done(lina.Log(4, " hello ", map[string]string{"b": "2", "a": "1"}))
	},
	"state.getMany": func(*lina.Request) (any, error) { return lina.StateGetMany([]string{"k", "missing"}) },
	"state.setMany": func(*lina.Request) (any, error) {
		return done(lina.StateSetMany(map[string]string{"a": "1", "b": "2"}))
	},
	"state.deleteMany": func(*lina.Request) (any, error) { return done(lina.StateDeleteMany([]string{"a", "b"})) },
}

var manifest = calls{
	"getMany": func(request *lina.Request) (any, error) {
		files, err := lina.ManifestGetMany(request.Query["path"])
		paths := []string{}
		for path, body := range files {
			paths = append(paths, path+"="+string(body))
		}
		sort.Strings(paths)
		return paths, err
	},
	"list": func(request *lina.Request) (any, error) {
		files, err := lina.ManifestList(first(request.Query["prefix"]), 10)
		all := list{}
		for _, file := range files {
			all = append(all, list{file.Path, file.Size})
		}
		return all, err
	},
}
