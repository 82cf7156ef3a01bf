package lina

import "encoding/json"

// Notification is a message to be sent. What is empty is left to the host: the source type system, the category other, the current
// user as recipient.
type Notification struct {
	Title, Content                     string
	SourceType, SourceID, CategoryCode string
	RecipientUserIDs                   []int64
	// Payload becomes a JSON object for the reader.
	Payload any
}

// NotificationsSend sends a message by a channel that plugin.yaml declares as ref. It needs a user, who is the sender.
func NotificationsSend(channel string, message Notification) (messageID int64, deliveryCount int32, err error) {
	payload := Writer{}
	payload.Text(1, message.Title)
	payload.Text(2, message.Content)
	payload.Text(3, message.SourceType)
	payload.Text(4, message.SourceID)
	payload.Text(5, message.CategoryCode)
	for _, id := range message.RecipientUserIDs {
		payload.Int(6, id)
	}
	if message.Payload != nil {
		text, err := json.Marshal(message.Payload)
		if err != nil {
			return 0, 0, err
		}
		payload.Blob(7, text)
	}
	call := Call{Service: "notifications", Method: "messages.send", ResourceRef: channel, Payload: payload.Bytes}
	reply, err := Invoke(call)
	reader := NewReader(reply, "notifications send response")
	for err == nil && reader.Next() {
		switch reader.Field {
		case 1:
			messageID = int64(reader.Uint("messageId"))
		case 2:
			deliveryCount = reader.Int32("deliveryCount")
		default:
			reader.Skip()
		}
	}
	if err == nil {
		err = reader.Err
	}
	return messageID, deliveryCount, err
}

// Message is a message in the current user's inbox. CreatedAt is in milliseconds since 1970.
type Message struct {
	ID                                        string
	TenantID                                  int
	PluginID                                  string
	SourceType, SourceID, CategoryCode, Title string
	CreatedAt                                 int64
}

// MessagesGetMany gives up to 100 messages by id; those that are not in the inbox are left out.
func MessagesGetMany(ids []string) (map[string]Message, error) {
	var reply struct{ Items map[string]Message }
	err := askMessages("messages.batch_get", idsOf{ids}, &reply)
	return reply.Items, err
}

// MessageQuery says which messages are listed; what is empty is no condition.
type MessageQuery struct {
	SourceType   string
	SourceID     string
	CategoryCode string
	// PageNum counts from 1.
	PageNum, PageSize int
}

// MessagesList gives a page of the inbox, newest first, and how many there are.
func MessagesList(query MessageQuery) ([]Message, int, error) {
	argument := struct {
		SourceType   string `json:"sourceType,omitempty"`
		SourceID     string `json:"sourceId,omitempty"`
		CategoryCode string `json:"categoryCode,omitempty"`
		Page         pageOf `json:"page"`
	}{query.SourceType, query.SourceID, query.CategoryCode, pageOf{query.PageNum, query.PageSize}}
	var reply struct {
		Items []Message
		Total int
	}
	err := askMessages("messages.list", argument, &reply)
	return reply.Items, reply.Total, err
}

// MessagesBySource gives the messages of up to 100 sources, by source id.
func MessagesBySource(sourceType string, sourceIDs []string) (map[string][]Message, error) {
	var reply struct{ Items map[string][]Message }
	err := askMessages("messages.by_source.batch_get", sourcesOf{sourceType, sourceIDs}, &reply)
	return reply.Items, err
}

// MessagesEnsureVisible succeeds when all of the messages are in the inbox.
func MessagesEnsureVisible(ids []string) error {
	return askMessages("messages.visible.ensure", idsOf{ids}, nil)
}

// MessagesDelete deletes messages for every recipient.
func MessagesDelete(ids []string) error { return askMessages("messages.delete", idsOf{ids}, nil) }

// MessagesDeleteBySource deletes all messages of some sources, whoever received them.
func MessagesDeleteBySource(sourceType string, sourceIDs []string) error {
	return askMessages("messages.by_source.delete", sourcesOf{sourceType, sourceIDs}, nil)
}

func MessagesMarkRead(ids []string) error { return askMessages("messages.mark_read", idsOf{ids}, nil) }

func MessagesMarkUnread(ids []string) error {
	return askMessages("messages.mark_unread", idsOf{ids}, nil)
}

type sourcesOf struct {
	SourceType string   `json:"sourceType"`
	SourceIDs  []string `json:"sourceIds"`
}

func askMessages(method string, argument, result any) error {
	return InvokeJSON(Call{Service: "notifications", Method: method}, argument, result)
}
