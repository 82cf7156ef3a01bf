package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"example.com/services/lina"
)

// A tour of every method of every service, over the host that runs it. What a step finds wrong, it reports.

type tour struct {
	url    string
	report []step
}

type step struct {
	Method  string `json:"method"`
	Problem string `json:"problem"`
}

func init() {
	lina.On("TourReq", func(request *lina.Request) lina.Response {
		var given struct{ URL string }
		if err := json.Unmarshal(request.Body, &given); err != nil {
			return lina.BadRequest(err.Error())
		}
		t := &tour{url: given.URL}
		for _, visit := range []func(*tour){
			visitRuntime, visitStorage, visitNetwork, visitData, visitCache, visitLock, visitJobs, visitNotifications, visitPlugins,
			visitHostconfig, visitManifest,
		} {
			visit(t)
		}
		return lina.JSON(t.report)
	})
}

// step notes what came of a method: an error, or the facts where they are not as wanted.
func (t *tour) step(method string, err error, facts ...any) {
	problem := ""
	if err != nil {
		problem = messageWithCode(err)
	}
	for i := 0; err == nil && i+1 < len(facts); i += 2 {
		if got, want := fmt.Sprint(facts[i]), fmt.Sprint(facts[i+1]); got != want {
			problem = fmt.Sprintf("%s instead of %s", got, want)
		}
	}
	t.report = append(t.report, step{method, problem})
}

func messageWithCode(err error) string {
	if told, ok := err.(*lina.HostError); ok {
		return fmt.Sprintf("%d %s", told.Status, told.Code())
	}
	return err.Error()
}

func visitRuntime(t *tour) {
	t.step("runtime.log.write", lina.Log(2, "on tour", map[string]string{"stop": "runtime"}))
	t.step("runtime.state.set", lina.StateSet("tour", "begun"))
	text, found, err := lina.StateGet("tour")
	t.step("runtime.state.get", err, text, "begun", found, true)
	t.step("runtime.state.set_many", lina.StateSetMany(map[string]string{"tour/a": "A", "tour/b": ""}))
	texts, err := lina.StateGetMany([]string{"tour/a", "tour/b", "tour/none"})
	t.step("runtime.state.get_many", err, texts, map[string]string{"tour/a": "A", "tour/b": ""})
	t.step("runtime.state.delete", lina.StateDelete("tour"))
	t.step("runtime.state.delete_many", lina.StateDeleteMany([]string{"tour/a", "tour/b"}))
	now, err := lina.Now()
	t.step("runtime.info.now", err, now > 1700000000000, true)
	id, err := lina.UUID()
	t.step("runtime.info.uuid", err, len(id), 32)
	node, err := lina.Node()
	t.step("runtime.info.node", err, node != "", true)
	// What belongs to no client of its own is asked by name.
	for _, call := range []lina.Call{{Service: "bizctx", Method: "current.get"}, {Service: "route", Method: "metadata.get"}} {
		var told struct{ Username, PluginID string }
		err := lina.InvokeJSON(call, nil, &told)
		t.step(call.Service+"."+call.Method, err, told.Username+told.PluginID != "", true)
	}
}

func visitStorage(t *tour) {
	stored, err := lina.StoragePut("tour/a.txt", []byte("first"), "text/plain", false)
	t.step("storage.put", err, stored.Path, "tour/a.txt", stored.Size, 5, stored.Visibility, "private")
	object, body, found, err := lina.StorageGet("tour/a.txt")
	t.step("storage.get", err, string(body), "first", found, true, object.Size, 5)
	object, found, err = lina.StorageStat("tour/a.txt")
	t.step("storage.stat", err, object.Path, "tour/a.txt", found, true)

	upload, err := lina.StorageBegin("tour/b.txt", "text/plain", true)
	t.step("storage.put.init", err, len(upload.ID), 32)
	t.step("storage.put.chunk", upload.Append([]byte("in pieces")), upload.Size, 9)
	stored, err = upload.Commit()
	t.step("storage.put.commit", err, stored.Size, 9)
	given, err := lina.StorageBegin("tour/c.txt", "", false)
	if err == nil {
		err = given.Abort()
	}
	t.step("storage.put.abort", err)

	objects, err := lina.StorageList("tour/", 10)
	t.step("storage.list", err, len(objects), 2)
	objects, cursor, err := lina.StorageListPage("tour/", "", 1)
	t.step("storage.list.cursor", err, len(objects), 1, cursor, "tour/a.txt")
	known, err := lina.StorageStatMany([]string{"tour/a.txt", "tour/none.txt"})
	t.step("storage.stat.batch", err, len(known), 1, known["tour/a.txt"].Size, 5)
	t.step("storage.delete", lina.StorageDelete("tour/a.txt"))
	t.step("storage.delete.batch", lina.StorageDeleteMany([]string{"tour/a.txt", "tour/b.txt"}))
	big := []byte(strings.Repeat("x", 1<<20+1))
	stored, err = lina.StoragePut("tour/big.bin", big, "", true)
	t.step("storage.put in pieces", err, stored.Size, len(big))
}

func visitNetwork(t *tour) {
	response, err := lina.NetworkPostJSON(t.url, map[string]string{"on": "tour"}, map[string]string{"x-tour": "1"})
	t.step("network.request", err, response.Status, 201, string(response.Body), `1 {"on":"tour"}`, response.ContentType, "text/plain")
}

const tourTable = lina.Table("plugin_demo_tour")

type tourRow struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Stars int    `json:"stars"`
}

func visitData(t *tour) {
	made, err := tourTable.Create(tourRow{"a", "first", 1})
	t.step("data.create", err, made.Rows, 1, string(made.Key), `"a"`)
	var row tourRow
	found, err := tourTable.Get("a", &row)
	t.step("data.get", err, found, true, row, tourRow{"a", "first", 1})
	changes, rows, err := tourTable.Transaction().Create(tourRow{"b", "second", 2}).Create(tourRow{"c", "third", 3}).Commit()
	t.step("data.transaction", err, len(changes), 2, rows, 2)
	made, err = tourTable.Update("a", map[string]int{"stars": 5})
	t.step("data.update", err, made.Rows, 1)
	var list []tourRow
	total, err := tourTable.Query().WhereIn("id", "a", "b").WhereLike("title", "s").OrderBy("stars", "desc").Page(1, 1).List(&list)
	t.step("data.list", err, total, 2, list, []tourRow{{"a", "first", 5}})
	list = nil
	err = tourTable.GetMany([]any{"b", "none"}, []string{"id", "title"}, &list)
	t.step("data.batch_get", err, list, []tourRow{{"b", "second", 0}})
	made, err = tourTable.Delete("c")
	t.step("data.delete", err, made.Rows, 1)
	count, err := tourTable.Where("stars", 3).Count()
	t.step("data.list count", err, count, 0)
}

func visitCache(t *tour) {
	value, err := lina.CacheSet("tour", "a", "A", 60)
	t.step("cache.set", err, value.Text, "A", value.ExpireAt != "", true)
	value, found, err := lina.CacheGet("tour", "a")
	t.step("cache.get", err, value.Text, "A", found, true)
	value, err = lina.CacheIncr("tour", "n", 5, 60)
	t.step("cache.incr", err, value.Integer, 5, value.IsInteger, true)
	_, found, err = lina.CacheExpire("tour", "n", 30)
	t.step("cache.expire", err, found, true)
	_, err = lina.CacheSetMany("tour", map[string]string{"b": "B", "c": "C"}, 60)
	t.step("cache.set_many", err)
	values, err := lina.CacheGetMany("tour", []string{"a", "b", "none"})
	t.step("cache.get_many", err, len(values), 2, values["b"].Text, "B")
	t.step("cache.delete", lina.CacheDelete("tour", "a"))
	t.step("cache.delete_many", lina.CacheDeleteMany("tour", []string{"b", "c", "n"}))
}

func visitLock(t *tour) {
	lease, err := lina.LockAcquire("tour", 300_000)
	t.step("lock.acquire", err, lease != nil, true)
	if lease == nil {
		return
	}
	again, err := lina.LockAcquire("tour", 300_000)
	t.step("lock.acquire in vain", err, again == nil, true)
	t.step("lock.renew", lease.Renew(), lease.ExpireAt != "", true)
	t.step("lock.release", lease.Release())
}

func visitJobs(t *tour) {
	id, err := lina.JobsCreate(map[string]any{"GroupID": "1", "Name": "tour", "CronExpr": "@daily", "Timezone": "UTC"})
	t.step("jobs.jobs.create", err, id != "", true)
	known, err := lina.JobsGetMany([]string{id})
	t.step("jobs.jobs.batch_get", err, known[id].Name, "tour")
	list, total, err := lina.JobsList(lina.JobQuery{Keyword: "tour"})
	t.step("jobs.jobs.list", err, len(list), 1, total, 1)
	t.step("jobs.jobs.visible.ensure", lina.JobsEnsureVisible([]string{id}))
	draft := map[string]any{"GroupID": "1", "Name": "tour", "CronExpr": "@hourly", "Timezone": "UTC"}
	t.step("jobs.jobs.update", lina.JobsUpdate(id, draft))
	t.step("jobs.jobs.status.set", lina.JobsSetStatus(id, "disabled"))
	t.step("jobs.jobs.run", lina.JobsRun(id))
	t.step("jobs.jobs.delete", lina.JobsDelete(id))
	t.step("jobs.jobs.register", lina.JobsRegister(lina.Job{Name: "late", Pattern: "@daily"}, "LateReq"))
}

func visitNotifications(t *tour) {
	send := func() (string, error) {
		message := lina.Notification{Title: "Tour", Content: "Begun", SourceType: "plugin", SourceID: "tour"}
		id, deliveries, err := lina.NotificationsSend("inbox", message)
		t.step("notifications.messages.send", err, deliveries, 1)
		return fmt.Sprint(id), err
	}
	first, _ := send()
	second, _ := send()
	ids := []string{first, second}
	known, err := lina.MessagesGetMany(ids)
	t.step("notifications.messages.batch_get", err, len(known), 2, known[first].Title, "Tour")
	list, total, err := lina.MessagesList(lina.MessageQuery{SourceType: "plugin", PageNum: 1, PageSize: 1})
	t.step("notifications.messages.list", err, len(list), 1, total, 2)
	sources, err := lina.MessagesBySource("plugin", []string{"tour"})
	t.step("notifications.messages.by_source.batch_get", err, len(sources["tour"]), 2)
	t.step("notifications.messages.visible.ensure", lina.MessagesEnsureVisible(ids))
	t.step("notifications.messages.mark_read", lina.MessagesMarkRead(ids))
	t.step("notifications.messages.mark_unread", lina.MessagesMarkUnread(ids))
	t.step("notifications.messages.delete", lina.MessagesDelete([]string{first}))
	t.step("notifications.messages.by_source.delete", lina.MessagesDeleteBySource("plugin", []string{"tour"}))
}

func visitPlugins(t *tour) {
	var title string
	err := lina.Config("title", &title)
	t.step("plugins.config.get", err, title, "On tour")
	current, err := lina.CurrentPlugin()
	t.step("plugins.plugins.current.get", err, current.ID, "demo", current.Enabled, true)
	known, err := lina.PluginsGetMany([]string{"demo", "none"})
	t.step("plugins.plugins.batch_get", err, len(known), 1)
	list, total, err := lina.PluginsList(1, 5, "demo")
	t.step("plugins.plugins.registry.list", err, len(list), 1, total, 1)
	_, _, err = lina.PluginsTenantList(1, 5, "")
	t.step("plugins.plugins.tenant.list", err)
	enabled, err := lina.PluginIsEnabled("demo")
	t.step("plugins.plugins.state.enabled.check", err, enabled, true)
	enabled, err = lina.PluginIsProviderEnabled("demo")
	t.step("plugins.plugins.state.provider_enabled.check", err, enabled, true)
	enabled, err = lina.PluginIsEnabledForSure("demo")
	t.step("plugins.plugins.state.enabled_authoritative.check", err, enabled, true)
	t.step("plugins.plugins.lifecycle.tenant_plugin_disable.ensure", lina.TenantPluginDisableEnsure("demo", 1))
	t.step("plugins.plugins.lifecycle.tenant_plugin_disabled.notify", lina.TenantPluginDisabledNotify("demo", 1))
	t.step("plugins.plugins.lifecycle.tenant_delete.ensure", lina.TenantDeleteEnsure(1))
	t.step("plugins.plugins.lifecycle.tenant_deleted.notify", lina.TenantDeletedNotify(1))
}

func visitHostconfig(t *tour) {
	var path string
	err := lina.HostConfig("workspace.basePath", &path)
	t.step("hostconfig.get", err, path, "/admin")
	t.step("hostconfig.sys_config.value.set", lina.SystemParameterSet("tour.flag", "on"))
	parameter, err := lina.SystemParameterGet("tour.flag")
	t.step("hostconfig.sys_config.get", err, parameter.Value, "on")
	t.step("hostconfig.sys_config.reset", lina.SystemParameterReset("tour.flag"))
}

func visitManifest(t *tour) {
	body, found, err := lina.ManifestGet("config/config.yaml")
	t.step("manifest.get", err, found, true, string(body), "title: On tour\n")
	files, err := lina.ManifestGetMany([]string{"config/config.yaml", "config/none.yaml"})
	t.step("manifest.get_many", err, len(files), 1)
	list, err := lina.ManifestList("config", 10)
	t.step("manifest.list", err, len(list), 1)
}
